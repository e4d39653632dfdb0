//! Finds the datasets: those built in, changed and joined by those of the lake's own `config/datasets/`.

use std::collections::BTreeMap;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use words::toml::plain;

use super::mistake::line_in;
use super::model::line_of;
use super::{DATASET_FILE, Dataset, REPORT_FILE, case};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::suggest::{did_you_mean, nearest};

static BUILT_IN: Dir = include_dir!("$CARGO_MANIFEST_DIR/datasets");

/// A dataset's folder before it is understood: file name to text.
pub type Folder = BTreeMap<String, String>;

/// All datasets of a lake. One whose declaration is wrong is kept apart, and the others are as good as without it. Clones
/// share the datasets.
#[derive(Debug, Clone)]
pub struct Catalog {
    datasets: Arc<Vec<Dataset>>,
    broken: BTreeMap<String, Broken>,
}

/// What is wrong with a declaration: the file, as a path below `datasets/`, and why.
#[derive(Debug, Clone)]
struct Broken {
    file: String,
    why: String,
}

impl From<&Broken> for Error {
    fn from(Broken { file, why }: &Broken) -> Self {
        Error::Dataset { file: file.clone(), why: why.clone() }
    }
}

impl Catalog {
    /// The built-in datasets, and what lies below `datasets/` in the lake's `config` store.
    pub async fn load(config: &Store) -> Result<Self> {
        let mut own: BTreeMap<String, Folder> = BTreeMap::new();
        let mut unreadable = BTreeMap::new();
        for object in config.list("datasets/").await? {
            let mut parts = object.key.split('/').skip(1);
            let (Some(dataset), Some(file), None) = (parts.next(), parts.next(), parts.next()) else {
                continue;
            };
            let Some((_, bytes)) = config.get(&object.key).await? else {
                continue;
            };
            let Ok(text) = String::from_utf8(bytes.to_vec()) else {
                let broken = Broken { file: format!("{dataset}/{file}"), why: "it is not UTF-8 text".to_owned() };
                unreadable.insert(dataset.to_owned(), broken);
                continue;
            };
            own.entry(dataset.to_owned()).or_default().insert(file.to_owned(), text);
        }
        let mut catalog = Self::with_folders(own);
        Arc::make_mut(&mut catalog.datasets).retain(|dataset| !unreadable.contains_key(&dataset.name));
        catalog.broken.extend(unreadable);
        Ok(catalog)
    }

    /// The built-in datasets alone.
    pub fn built_in() -> Self {
        Self::with_folders(BTreeMap::new())
    }

    /// The datasets of these folders alone.
    pub fn of_folders(own: BTreeMap<String, Folder>) -> Self {
        let mut catalog = Self { datasets: Arc::default(), broken: BTreeMap::new() };
        for (name, folder) in own {
            catalog.add(name, Folder::new(), folder);
        }
        catalog
    }

    /// The built-in datasets, changed and joined by some folders.
    pub fn with_folders(mut own: BTreeMap<String, Folder>) -> Self {
        let mut catalog = Self { datasets: Arc::default(), broken: BTreeMap::new() };
        for folder in BUILT_IN.dirs() {
            let name = folder.path().to_string_lossy().into_owned();
            let files = folder.files().filter_map(|file| {
                Some((file.path().file_name()?.to_string_lossy().into_owned(), file.contents_utf8()?.to_owned()))
            });
            let own = own.remove(&name).unwrap_or_default();
            catalog.add(name, files.collect(), own);
        }
        for (name, folder) in own {
            catalog.add(name, Folder::new(), folder);
        }
        Arc::make_mut(&mut catalog.datasets).sort_by(|a, b| a.name.cmp(&b.name));
        catalog
    }

    fn add(&mut self, name: String, folder: Folder, own: Folder) {
        match read(&name, folder, own) {
            Ok(dataset) => Arc::make_mut(&mut self.datasets).push(dataset),
            Err(broken) => drop(self.broken.insert(name, broken)),
        }
    }

    /// The datasets by name, without broken ones.
    pub fn datasets(&self) -> &[Dataset] {
        &self.datasets
    }

    /// What is wrong with the broken ones: whoever does something for all datasets is to tell.
    pub fn broken(&self) -> impl Iterator<Item = Error> {
        self.broken.values().map(Error::from)
    }

    /// The dataset of that name; or what is wrong with it; or an error that lists those there are.
    pub fn dataset(&self, name: &str) -> Result<&Dataset> {
        if let Some(broken) = self.broken.get(name) {
            return Err(broken.into());
        }
        self.datasets.iter().find(|dataset| dataset.name == name).ok_or_else(|| {
            let known: Vec<_> = self.datasets.iter().map(|dataset| dataset.name.as_str()).collect();
            let meant = did_you_mean(name, known.iter().copied());
            Error::Usage(format!("there is no dataset \"{name}\"; the lake has {}{meant}", known.join(", ")))
        })
    }
}

/// A dataset from its built-in folder and the lake's own folder of the same name, which goes before it.
fn read(name: &str, mut folder: Folder, own: Folder) -> Result<Dataset, Broken> {
    let texts: Vec<String> = [folder.get(DATASET_FILE), own.get(DATASET_FILE)].into_iter().flatten().cloned().collect();
    if texts.is_empty() {
        let similar = nearest(DATASET_FILE, own.keys().map(String::as_str).filter(|file| !file.ends_with(".sql")));
        let meant = similar.map_or_else(String::new, |file| format!("; is {file} meant to be it?"));
        return Err(Broken { file: format!("{name}/{DATASET_FILE}"), why: format!("there is no such file{meant}") });
    }
    for file in own.keys() {
        // Without what it is meant to be, pages or models would be deleted as no longer declared.
        if let Some(meant) = misnamed(file).filter(|meant| !own.contains_key(meant)) {
            let why = format!("it has no effect: is it meant to be {meant}?");
            return Err(Broken { file: format!("{name}/{file}"), why });
        }
    }
    let mut declared = toml::Table::new();
    for text in &texts {
        overlay(&mut declared, parse(name, text)?);
    }
    if changes_rules(&own) {
        folder.retain(|file, _| !file.ends_with(case::ENDING));
    }
    folder.extend(own);
    let cases =
        folder.iter().filter_map(|(file, text)| Some((file.strip_suffix(case::ENDING)?.to_owned(), text.clone())));
    let cases = cases.collect();
    let report = folder.get(REPORT_FILE).cloned();
    let queries: BTreeMap<String, String> = folder.into_iter().filter(|(file, _)| file.ends_with(".sql")).collect();
    let read = Dataset::new(name, declared, &queries).map(|dataset| {
        let texts = texts.clone();
        Dataset { report, cases, texts, ..dataset }
    });
    read.map_err(|(file, mistake)| {
        // The lake's own text goes before the built-in one, also in mistakes.
        let line = if file == DATASET_FILE {
            texts.iter().rev().find_map(|text| mistake.line(text))
        } else {
            queries.get(&file).and_then(|text| line_of(text, &mistake))
        };
        Broken { file: place(&format!("{name}/{file}"), line), why: mistake.to_string() }
    })
}

/// Whether a lake reads a file of this name in a dataset's folder.
pub fn is_read(name: &str) -> bool {
    name == DATASET_FILE || name == REPORT_FILE || name.ends_with(".sql") || name.ends_with(case::ENDING)
}

/// The name that a file of a dataset's folder most likely should have, if a lake reads none of its own.
pub fn misnamed(name: &str) -> Option<String> {
    let small = name.to_lowercase();
    if is_read(name) {
        return None;
    }
    if is_read(&small) {
        return Some(small);
    }
    if let Some(stem) = small.strip_suffix(".test.tml").or_else(|| small.strip_suffix(".tests.toml")) {
        return Some(format!("{stem}{}", case::ENDING));
    }
    let is_toml = [".toml", ".tml", ".tom"].iter().any(|ending| small.ends_with(ending));
    nearest(&small, [DATASET_FILE, REPORT_FILE]).filter(|_| is_toml).map(str::to_owned)
}

/// Whether a lake's own folder has SQL, settings, lists or a time zone in place of built-in ones: the built-in unit tests say
/// what those give, and nothing of the lake's own.
fn changes_rules(own: &Folder) -> bool {
    let declares = |text: &String| {
        let declared: Result<toml::Table, _> = text.parse();
        declared.is_ok_and(|own| ["settings", "list", "time_zone"].iter().any(|rule| own.contains_key(*rule)))
    };
    own.keys().any(|file| file.ends_with(".sql")) || own.get(DATASET_FILE).is_some_and(declares)
}

/// A file, with the line if it is known.
pub(super) fn place(file: &str, line: Option<usize>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}, line {line}"))
}

fn parse(name: &str, text: &str) -> Result<toml::Table, Broken> {
    text.parse().map_err(|error: toml::de::Error| {
        let line = line_in(text, &error);
        Broken { file: format!("{name}/{DATASET_FILE}, line {line}"), why: plain(error.message()) }
    })
}

/// Puts every value of `over` in place of the one in `base`; tables are joined, everything else is replaced.
fn overlay(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => overlay(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(text: &str) -> Folder {
        Folder::from([("dataset.toml".to_owned(), text.to_owned())])
    }

    #[test]
    fn built_in_datasets_are_sound() {
        let catalog = Catalog::built_in();
        assert_eq!(catalog.broken().map(|error| error.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
        let irceline = catalog.dataset("irceline").unwrap();
        assert_eq!(irceline.table_of("irceline/date=2026-11-18/values.ndjson").unwrap().name, "measurement");
        assert!(irceline.table_of("irceline/date=2026-11-18/other.json").is_none());
        assert!(catalog.dataset("nope").unwrap_err().to_string().contains("irceline"));
    }

    #[test]
    fn the_lakes_own_folder_overrides_single_values() {
        let own = folder("[table.measurement.column.value]\nmin = -5.0\n");
        let catalog = Catalog::with_folders(BTreeMap::from([("irceline".to_owned(), own)]));
        let table = catalog.dataset("irceline").unwrap().table("measurement").unwrap().clone();
        let value = table.columns.iter().find(|column| column.name == "value").unwrap();
        assert_eq!(value.min, Some(-5.0));
        assert!(!value.missing.is_empty(), "the other rules stay");
    }

    #[test]
    fn what_is_built_in_is_described_and_tested() {
        let catalog = Catalog::built_in();
        for dataset in catalog.datasets() {
            for table in &dataset.tables {
                assert!(!table.about.is_empty(), "{}.{}", dataset.name, table.name);
                for column in &table.columns {
                    assert!(!column.about.is_empty(), "{}.{}.{}", dataset.name, table.name, column.name);
                }
            }
            for model in &dataset.models {
                assert!(!model.about().is_empty(), "{}.{}", dataset.name, model.name);
                let tests = dataset.cases.get(&model.name).map(|text| case::cases(text).map(|cases| cases.len()));
                assert!(matches!(tests, Some(Ok(1..))), "{}.{}: {tests:?}", dataset.name, model.name);
            }
        }
    }

    #[test]
    fn built_in_unit_tests_are_those_of_built_in_rules() {
        let cases = |file: &str, text: &str| -> Vec<String> {
            let own = Folder::from([(file.to_owned(), text.to_owned())]);
            let catalog = Catalog::with_folders(BTreeMap::from([("energy_usage".to_owned(), own)]));
            catalog.dataset("energy_usage").unwrap().cases.keys().cloned().collect()
        };
        let built_in = ["usage", "usage_by_customer_day"];
        assert_eq!(cases("dataset.toml", "title = \"T\"\n"), built_in);
        assert_eq!(cases("usage.test.toml", "own"), built_in, "its text is the lake's, and the other one stays");
        assert_eq!(cases("dataset.toml", "time_zone = \"UTC\"\n"), Vec::<String>::new());
        assert_eq!(cases("dataset.toml", "[list.x]\ncolumns = { a = \"string\" }\nrows = []\n"), Vec::<String>::new());
        let sql = "-- [view]\n-- inputs = [\"reading\"]\n\nSELECT * FROM reading\n";
        assert_eq!(cases("own.sql", sql), Vec::<String>::new());
    }

    #[test]
    fn a_setting_that_nothing_reads_is_refused() {
        let with = |text: &str| Catalog::with_folders(BTreeMap::from([("meters".to_owned(), folder(text))]));
        assert!(with("[settings]\ndrop_ratio = 0.3\n").dataset("meters").is_ok());
        let error = with("[settings]\ndrop_ration = 0.3\n").dataset("meters").unwrap_err().to_string();
        assert!(error.contains("settings.drop_ration: no SQL of this dataset reads it"), "{error}");
        assert!(error.contains("drop_ratio,"), "it names those that are read: {error}");
    }

    #[test]
    fn a_new_folder_adds_a_dataset() {
        let own = folder("title = \"T\"\ntime_zone = \"UTC\"\n");
        let catalog = Catalog::with_folders(BTreeMap::from([("trams".to_owned(), own)]));
        assert_eq!(catalog.dataset("trams").unwrap().title, "T");
    }

    #[test]
    fn a_folder_without_its_declaration_is_named() {
        let own = Folder::from([("datasets.toml".to_owned(), "title = \"T\"\n".to_owned())]);
        let catalog = Catalog::with_folders(BTreeMap::from([("trams".to_owned(), own)]));
        let error = catalog.dataset("trams").unwrap_err().to_string();
        assert!(
            error.contains("trams/dataset.toml: there is no such file; is datasets.toml meant to be it?"),
            "{error}"
        );
        let error = catalog.dataset("irceliny").unwrap_err().to_string();
        assert!(error.ends_with("did you mean \"irceline\"?"), "{error}");
    }

    #[test]
    fn a_file_that_is_misnamed_is_named_and_not_left_out() {
        let own = |file: &str| {
            Folder::from(
                [("dataset.toml", DECLARED), (file, "x")].map(|(name, text)| (name.to_owned(), text.to_owned())),
            )
        };
        const DECLARED: &str = "title = \"T\"\ntime_zone = \"UTC\"\n";
        for (file, meant) in [
            ("reports.toml", Some("report.toml")),
            ("Report.toml", Some("report.toml")),
            ("rides.SQL", Some("rides.sql")),
            ("rides.tests.toml", Some("rides.test.toml")),
            ("notes.md", None),
            ("dataset.old.toml", None),
            ("datasets.toml", None),
        ] {
            let catalog = Catalog::with_folders(BTreeMap::from([("t".to_owned(), own(file))]));
            let error = catalog.dataset("t").err().map(|error| error.to_string());
            match meant {
                Some(meant) => {
                    let error = error.unwrap();
                    assert!(
                        error.contains(&format!("t/{file}: it has no effect: is it meant to be {meant}?")),
                        "{error}"
                    );
                }
                None => assert_eq!(error, None),
            }
        }
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let base = "title = \"T\"\ntime_zone = \"UTC\"\n[table.ride]\nfrom = \"*.csv\"\n";
        let columns = "[table.ride.column]\nrit = { type = \"int64\" }\nday = { type = \"date\" }\n";
        for (options, wanted) in [
            (
                "partition = \"month(dag)\"\n",
                "line 5: table.ride.partition: there is no date column \"dag\"; the only one is day; did you mean \"day\"?",
            ),
            (
                "key = [\"ritt\"]\n",
                "line 5: table.ride.key: there is no column \"ritt\"; there are rit, day; did you mean \"rit\"?",
            ),
            (
                "format = \"cvs\"\n",
                "line 5: table.ride.format: unknown format \"cvs\"; there are csv, tsv, json, ndjson, xlsx, parquet, responses; did you mean \"csv\"?",
            ),
            (
                "skip_lines = \"2\"\n",
                "line 5: table.ride.skip_lines: a whole number from 0 on is expected here, not the text \"2\"",
            ),
        ] {
            let text = format!("{base}{options}{columns}");
            let catalog = Catalog::with_folders(BTreeMap::from([("t".to_owned(), folder(&text))]));
            let error = catalog.dataset("t").unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn mistakes_name_the_file_and_the_place() {
        for (text, part) in [
            ("title = ", "line 1"),
            ("title = \"T\"\ntime_zone = \"Mars\"", "line 2: time_zone"),
            ("title = \"T\"\ntime_zone = \"UTC\"\ncolour = 1", "line 3: colour"),
            (
                "title = \"T\"\ntime_zone = \"UTC\"\n[table.x]\nfrom = \"*\"\nformat = \"json\"\n[table.x.column.a]\ntype = \"int\"",
                "line 7: table.x.column.a.type",
            ),
        ] {
            let catalog = Catalog::with_folders(BTreeMap::from([("t".to_owned(), folder(text))]));
            let error = catalog.dataset("t").unwrap_err().to_string();
            assert!(error.contains("t/dataset.toml") && error.contains(part), "{error}");
            assert_eq!(catalog.broken().map(|error| error.to_string()).collect::<Vec<_>>(), [error]);
            assert!(catalog.dataset("irceline").is_ok(), "the others are as good as without it");
        }
    }
}
