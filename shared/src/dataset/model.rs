//! Models and views: SQL files whose leading comment declares what they are made from.
//!
//! ```sql
//! -- What the table says, for people.
//! --
//! -- day   what the column says
//! --
//! -- [model]
//! -- partition = "month(day)"
//! -- inputs = ["measurement", "station"]
//!
//! SELECT ...
//! ```
//!
//! A model is a table of the consumption zone. A `[view]` is a query that models and other views read by its name.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::expect::{Expectation, TestFile};
use super::mistake::{Mistake, line_in};
use crate::hash;
use crate::partition::PartitionBy;

/// What a SQL file declares.
#[derive(Debug, Clone)]
pub(super) enum SqlFile {
    Model(Box<Model>),
    View(View),
}

/// A model as declared in its SQL file.
#[derive(Debug, Clone)]
pub struct Model {
    /// The file's name without `.sql`, also the table's name.
    pub name: String,
    /// How the result is cut: by time, as the first input is cut by a part of its raw keys, or not at all.
    pub partition: PartitionBy,
    /// Columns of the result that cut each partition further.
    pub split: Vec<String>,
    /// Columns of the result that are not written: what a result is cut by need not be seen.
    pub hidden: Vec<String>,
    /// The tables, views and models it reads. The partitions of the first decide which partitions the model has.
    pub inputs: Vec<String>,
    /// Whether it is there for other models only: other engines and descriptions of the lake do not show it.
    pub intermediate: bool,
    /// Columns of which rows with different values never meet, in the result of the query as in what it reads: a large
    /// partition is made in shards by them.
    pub shard: Vec<String>,
    /// About how many bytes of inputs one shard is made from.
    pub shard_bytes: u64,
    /// How many days before a partition's first its inputs reach.
    pub look_back_days: u32,
    /// The CSV files that it is also written to.
    pub csv: Option<Csv>,
    /// The GeoJSON file that it is also written to.
    pub geojson: Option<GeoJson>,
    /// The greatest share of its rows that a partition may lose at once.
    pub max_shrink: Option<f64>,
    /// Whether it sees keyed hashes in place of personal values.
    pub hash_personal: bool,
    /// What must hold of a partition before it is committed.
    pub tests: Vec<Expectation>,
    /// The query.
    pub sql: String,
    /// A fingerprint of the file's text.
    pub fingerprint: String,
    /// What the comment before the declaration says: few commands ask.
    said: OnceLock<Said>,
}

/// What a comment says of the whole, and of columns by their names.
type Said = (String, BTreeMap<String, String>);

/// A query that models read by its name.
#[derive(Debug, Clone)]
pub struct View {
    /// The file's name without `.sql`.
    pub name: String,
    /// The comment before the declaration.
    pub about: String,
    /// The tables, views and models it reads.
    pub inputs: Vec<String>,
    /// Whether it is computed once per partition, since several others read it.
    pub materialize: bool,
    /// The query.
    pub sql: String,
    /// A fingerprint of the file's text.
    pub fingerprint: String,
}

/// About how many bytes of inputs one shard is made from, where a model says nothing: some ten million rows.
const SHARD_BYTES: u64 = 128 * 1024 * 1024;
/// The most shards of a partition.
const MOST_SHARDS: u64 = 1024;

/// A model's CSV files: `NAME.csv` has the newest partition, `NAME_historical.csv` all earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    /// The file's name without `.csv`.
    pub name: String,
    /// How true and false are written.
    #[serde(default = "plain_bool")]
    pub bool: [String; 2],
}

impl Csv {
    /// The names of its files: of the newest partition, and of the earlier ones.
    pub fn files(&self) -> [String; 2] {
        [format!("{}.csv", self.name), format!("{}_historical.csv", self.name)]
    }
}

/// A model's GeoJSON file (RFC 7946), `NAME.geojson`: a point for each row of the newest partition.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeoJson {
    /// The file's name without `.geojson`.
    pub name: String,
    /// The column with the degrees east, WGS 84.
    #[serde(default = "longitude")]
    pub longitude: String,
    /// The column with the degrees north, WGS 84.
    #[serde(default = "latitude")]
    pub latitude: String,
    /// The column that says what stands there. Of a model that is cut by time, each has the rows of its newest day then.
    pub id: Option<String>,
}

impl GeoJson {
    /// The name of its file.
    pub fn file(&self) -> String {
        format!("{}.geojson", self.name)
    }
}

fn longitude() -> String {
    "longitude".to_owned()
}

fn latitude() -> String {
    "latitude".to_owned()
}

fn plain_bool() -> [String; 2] {
    ["true", "false"].map(str::to_owned)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    #[serde(default)]
    partition: PartitionBy,
    #[serde(default)]
    split: Vec<String>,
    #[serde(default)]
    hidden: Vec<String>,
    inputs: Vec<String>,
    #[serde(default)]
    intermediate: bool,
    #[serde(default)]
    shard: Vec<String>,
    shard_bytes: Option<u64>,
    #[serde(default)]
    look_back_days: u32,
    csv: Option<Csv>,
    geojson: Option<GeoJson>,
    max_shrink: Option<f64>,
    #[serde(default)]
    hash_personal: bool,
    #[serde(default)]
    test: Vec<TestFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ViewFile {
    #[serde(default)]
    inputs: Vec<String>,
    #[serde(default)]
    materialize: bool,
}

/// The lines, from 1, of a declaration at which a `[[test]]` begins.
fn headers(declaration: &str) -> impl Iterator<Item = usize> {
    let lines = (1..).zip(declaration.lines());
    lines.filter(|(_, line)| line.split('#').next().unwrap_or_default().trim() == "[[test]]").map(|(number, _)| number)
}

/// What the TOML reader met in a declaration, whose first line follows `before` lines of the file.
fn explain(error: &toml::de::Error, kind: &str, declaration: &str, before: usize) -> Mistake {
    let line = line_in(declaration, error);
    let test = headers(declaration).filter(|header| *header <= line).count();
    let place = if test == 0 { kind.to_owned() } else { format!("[[test]] {test}") };
    // What is missing is missing in the whole.
    let line = if error.message().starts_with("missing field") { before } else { before + line };
    Mistake::new(Mistake::toml(error).why()).within(&place).at(line)
}

/// The line of a file, from 1, of a mistake in its declaration: messages begin with the option's name.
pub(super) fn line_of(text: &str, mistake: &Mistake) -> Option<usize> {
    let is_end = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
    let option = mistake.why().split(is_end).next().filter(|option| !option.is_empty())?;
    let declares = |line: &str| {
        let declared = line.strip_prefix("--").and_then(|line| line.trim_start().strip_prefix(option));
        declared.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    mistake.known_line().or_else(|| text.lines().position(declares).map(|at| at + 1))
}

/// The lines of the comment that a file begins with.
fn comment(text: &str) -> Vec<&str> {
    let lines = text.lines().map_while(|line| line.strip_prefix("--"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect()
}

/// Whether the declaration begins with a line.
fn is_declaration(line: &&str) -> bool {
    matches!(line.trim(), "[model]" | "[view]")
}

/// What a comment says: an entry about columns begins with names, then two blanks and a text, or the names alone
/// above lines that are indented; all lines of it that follow are indented.
fn said_by(comment: &[&str]) -> Said {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let is_indented = |line: &&str| line.starts_with("  ") && !line.trim().is_empty();
    let mut whole: Vec<&str> = Vec::new();
    let mut columns: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut lines = comment.iter().copied().peekable();
    while let Some(line) = lines.next() {
        let (names, text) = line.split_once("  ").unwrap_or((line, ""));
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        let is_entry = names.iter().all(|name| is_name(name))
            && (!text.trim().is_empty() || lines.peek().is_some_and(is_indented));
        if !is_entry {
            whole.push(line);
            continue;
        }
        let mut words: Vec<&str> = text.split_whitespace().collect();
        while let Some(more) = lines.next_if(is_indented) {
            words.extend(more.split_whitespace());
        }
        for name in names {
            // Named twice, it keeps both.
            let said: &mut Vec<&str> = columns.entry(name.to_owned()).or_default();
            said.extend(&words);
        }
    }
    whole.dedup_by(|line, before| line.trim().is_empty() && before.trim().is_empty());
    let columns = columns.into_iter().map(|(name, words)| (name, words.join(" ")));
    (whole.join("\n").trim().to_owned(), columns.collect())
}

impl SqlFile {
    pub(super) fn new(file: &str, text: &str) -> Result<Self, Mistake> {
        let comment = comment(text);
        let start = comment.iter().position(is_declaration).ok_or_else(|| {
            Mistake::new(
                "its leading comment has no declaration: write a line `-- [model]`, then lines like `-- inputs = [\"table\"]`",
            )
        })?;
        let (about, declaration) = comment.split_at(start);
        let is_view = declaration.first().is_some_and(|line| line.trim() == "[view]");
        let declaration = declaration.iter().skip(1).copied().collect::<Vec<_>>().join("\n");
        let name = file.trim_end_matches(".sql").to_owned();
        let fingerprint = hash::bytes(text.as_bytes());
        let sql = text.to_owned();
        if is_view {
            let declared: ViewFile =
                toml::from_str(&declaration).map_err(|error| explain(&error, "[view]", &declaration, start + 1))?;
            let ViewFile { inputs, materialize } = declared;
            let about = about.join("\n").trim().to_owned();
            return Ok(Self::View(View { name, about, inputs, materialize, sql, fingerprint }));
        }
        let wrong = |why: String| Mistake::new(why).within("[model]");
        let declared: ModelFile =
            toml::from_str(&declaration).map_err(|error| explain(&error, "[model]", &declaration, start + 1))?;
        if declared.inputs.is_empty() {
            return Err(wrong("inputs names no table".to_owned()));
        }
        if let Some(share) = declared.max_shrink.filter(|share| !(0.0..=1.0).contains(share)) {
            return Err(wrong(format!("max_shrink is a share from 0 to 1, not {share}")));
        }
        if let Some(both) = declared.split.iter().find(|name| declared.hidden.contains(name)) {
            return Err(wrong(format!("hidden: \"{both}\" cuts the partitions, so that it stands in their paths")));
        }
        if declared.shard_bytes.is_some() && declared.shard.is_empty() {
            return Err(wrong(
                "shard_bytes: say by which columns rows are apart, as in shard = [\"meter\"]".to_owned(),
            ));
        }
        if declared.shard_bytes == Some(0) {
            return Err(wrong("shard_bytes: a shard is made from a byte at least".to_owned()));
        }
        if !declared.shard.is_empty() && !declared.split.is_empty() {
            return Err(wrong("shard: what is split is not made in shards: leave one of them out".to_owned()));
        }
        let (csv, geojson) = (&declared.csv, &declared.geojson);
        let files = [("csv", csv.as_ref().map(|csv| &csv.name)), ("geojson", geojson.as_ref().map(|file| &file.name))];
        let files: Vec<(&str, &String)> =
            files.into_iter().filter_map(|(option, name)| Some((option, name?))).collect();
        if let Some((option, _)) = files.first().filter(|_| declared.partition == PartitionBy::Key("file".to_owned())) {
            return Err(wrong(format!(
                "{option}: the ledger has files under file=NAME, as it would have this model's partitions: call that part of the raw keys otherwise"
            )));
        }
        let safe = |name: &str| {
            (1..=100).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        if let Some((option, name)) = files.iter().find(|(_, name)| !safe(name)) {
            return Err(wrong(format!(
                "{option}: \"{name}\" is not a file name of up to 100 letters, digits, - and _"
            )));
        }
        let mut tests = Vec::new();
        for (number, test) in (1..).zip(declared.test) {
            let line = headers(&declaration).nth(number - 1).map_or(start + 1, |line| start + 1 + line);
            let place = format!("[[test]] {number}");
            tests.extend(test.read().map_err(|mistake| mistake.within(&place).at(line))?);
        }
        Ok(Self::Model(Box::new(Model {
            name,
            partition: declared.partition,
            split: declared.split,
            hidden: declared.hidden,
            inputs: declared.inputs,
            intermediate: declared.intermediate,
            shard: declared.shard,
            shard_bytes: declared.shard_bytes.unwrap_or(SHARD_BYTES),
            look_back_days: declared.look_back_days,
            csv: declared.csv,
            geojson: declared.geojson,
            max_shrink: declared.max_shrink,
            hash_personal: declared.hash_personal,
            tests,
            sql,
            fingerprint,
            said: OnceLock::new(),
        })))
    }
}

impl Model {
    fn said(&self) -> &Said {
        self.said.get_or_init(|| {
            let comment = comment(&self.sql);
            let end = comment.iter().position(is_declaration).unwrap_or(comment.len());
            said_by(comment.get(..end).unwrap_or_default())
        })
    }

    /// What the comment before the declaration says, without what it says of columns.
    pub fn about(&self) -> &str {
        &self.said().0
    }

    /// What that comment says of columns, by their names.
    pub fn columns(&self) -> &BTreeMap<String, String> {
        &self.said().1
    }

    /// The date column by which its partitions are cut, if they are cut by time.
    pub fn cut_by(&self) -> Option<&str> {
        match &self.partition {
            PartitionBy::Time(_, column) => Some(column),
            PartitionBy::Key(_) | PartitionBy::Nothing => None,
        }
    }

    /// In how many shards a partition is made that is made from so many bytes: on every machine the same.
    pub fn shards(&self, bytes: u64) -> u64 {
        if self.shard.is_empty() { 1 } else { bytes.div_ceil(self.shard_bytes.max(1)).clamp(1, MOST_SHARDS) }
    }

    /// The names of the files that it is also written to, each with the option that asks for it.
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let csv = self.csv.iter().flat_map(|csv| csv.files()).map(|name| ("csv", name));
        csv.chain(self.geojson.iter().map(|geojson| ("geojson", geojson.file()))).collect()
    }

    /// The columns that stand in the path of its Parquet objects.
    pub fn partition_columns(&self) -> Vec<&str> {
        self.partition.columns().into_iter().chain(self.split.iter().map(String::as_str)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_described_by_the_comment() {
        let text = "-- Means of what\n-- was measured.\n--\n-- day  the day\n-- low, high\n--         extremes, in °C:\n--         null \
                    where nothing was measured\n-- mean   of all values\n-- mean   that are there\n--\n-- They are of the whole day.\n--   indented\n--\n-- [model]\n\
                    -- inputs = [\"m\"]\nSELECT 1";
        let SqlFile::Model(model) = SqlFile::new("means.sql", text).unwrap() else { panic!("no model") };
        assert_eq!(model.about(), "Means of what\nwas measured.\n\nThey are of the whole day.\n  indented");
        let extremes = "extremes, in °C: null where nothing was measured";
        let expected =
            [("day", "the day"), ("high", extremes), ("low", extremes), ("mean", "of all values that are there")];
        let found: Vec<_> = model.columns().iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_leading_comment_declares() {
        let text =
            "-- Means.\n--\n-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"m\"]\n\nSELECT 1 -- [model]\n";
        let SqlFile::Model(model) = SqlFile::new("means.sql", text).unwrap() else { panic!("a model") };
        assert_eq!((model.name.as_str(), model.about()), ("means", "Means."));
        assert_eq!(model.inputs, ["m"]);
        let view = SqlFile::new("v.sql", "-- [view]\n-- inputs = [\"m\"]\n\nSELECT 1").unwrap();
        assert!(matches!(view, SqlFile::View(view) if view.name == "v" && !view.materialize));
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, why) in [
            ("SELECT 1", "-- [model]"),
            ("-- [model]\n-- inputs = []\n", "no table"),
            ("-- [model]\n-- inputs = [\"m\"]\n-- color = 1\n", "color"),
            ("-- [view]\n-- color = 1\n", "color"),
            ("-- [model]\n-- inputs = [\"m\"]\n-- split = [\"k\"]\n-- hidden = [\"k\"]\n", "hidden"),
            ("-- [model]\n-- inputs = [\"m\"]\n-- max_shrink = 2.0\n", "max_shrink"),
            ("-- [model]\n-- inputs = [\"m\"]\n-- [[test]]\n-- severity = \"warn\"\n", "[[test]] 1"),
            ("-- [model]\n-- inputs = [\"m\"]\n-- csv = { name = \"../x\" }\n", "file name"),
            (&format!("-- [model]\n-- inputs = [\"m\"]\n-- csv = {{ name = \"{}\" }}\n", "x".repeat(101)), "up to 100"),
            (
                "-- [model]\n-- inputs = [\"m\"]\n-- geojson = { name = \"a b\" }\n",
                "geojson: \"a b\" is not a file name",
            ),
            (
                "-- [model]\n-- partition = \"file\"\n-- inputs = [\"m\"]\n-- geojson = { name = \"x\" }\n",
                "geojson: the ledger",
            ),
        ] {
            let error = SqlFile::new("m.sql", text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn mistakes_have_a_line_and_a_suggestion() {
        for (declared, line, wanted) in [
            ("-- input = [\"m\"]\n", 4, "[model]: unknown field `input`"),
            ("-- input = [\"m\"]\n", 4, "did you mean `inputs`?"),
            ("-- inputs = [\"m\"]\n-- shardbytes = 1\n", 5, "did you mean `shard_bytes`?"),
            ("-- inputs = [\"m\"]\n-- intermediat = true\n", 5, "did you mean `intermediate`?"),
            ("-- partition = \"month(day)\"\n", 3, "[model]: missing field `inputs`"),
            (
                "-- inputs = [\"m\"]\n-- look_back_days = \"30\"\n",
                5,
                "a whole number from 0 on is expected here, not the text \"30\"",
            ),
            ("-- inputs = \"m\"\n", 4, "a list in [ ] is expected here, not the text \"m\""),
            ("-- inputs = [\"m]\n", 4, "unclosed array"),
            ("-- inputs = [\"m\"]\n-- partition = \"month\n", 5, "not closed on its line"),
            ("-- inputs = [\"m\"]\n-- max_shrink = 2.0\n", 5, "max_shrink is a share"),
            (
                "-- inputs = [\"m\"]\n-- [[test]]\n-- unique = [\"a\"]\n-- [[test]]\n-- uniqe = [\"a\"]\n",
                8,
                "[[test]] 2: unknown field `uniqe`",
            ),
            ("-- inputs = [\"m\"]\n-- [[test]]\n-- severity = \"warm\"\n", 6, "[[test]] 1: unknown value `warm`"),
            ("-- inputs = [\"m\"]\n-- [[test]]\n-- range = { a = [1] }\n", 5, "[[test]] 1.range.a: a range is"),
        ] {
            let text = format!("-- Means.\n--\n-- [model]\n{declared}\nSELECT 1\n");
            let mistake = SqlFile::new("m.sql", &text).unwrap_err();
            assert!(mistake.to_string().contains(wanted), "{mistake}");
            assert_eq!(line_of(&text, &mistake), Some(line), "{mistake}");
        }
    }
}
