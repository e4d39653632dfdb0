//! What DDL is made of: a table or model with its place, its columns, and which of its rows count.

use aggregate::{ColumnKind, TableColumns};
use lake::Lake;
use lake::dataset::{Dataset, Model, RECEIVED_AT, Table};
use lake::settings::Zone;
use lake::store::StoreUrl;

use crate::commands::Result;
use crate::failure::Failure;

/// A column of a table or model.
#[derive(Debug, Clone)]
pub struct RelationColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: ColumnKind,
    /// What it is, on one line.
    pub about: String,
    /// Whether it stands in the Parquet.
    pub in_file: bool,
}

/// Which rows of a table count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// All of them.
    All,
    /// The newest of those that are equal in these columns.
    Newest(Vec<String>),
    /// Those of the newest raw object.
    NewestObject,
}

/// A table of the standard zone, or a model.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Its dataset.
    pub dataset: String,
    /// Its name.
    pub name: String,
    /// Its zone.
    pub zone: Zone,
    /// What it is, on one line.
    pub about: String,
    /// Its folder.
    pub place: StoreUrl,
    /// The columns that stand in its files only.
    pub columns: Vec<RelationColumn>,
    /// The columns that stand in the path, in its order.
    pub partition: Vec<RelationColumn>,
    /// The names of all columns, in the order in which `tributary query` shows them.
    pub shown: Vec<String>,
    /// Which rows count.
    pub counted: Counted,
    /// Whether it has objects by now; `None` if that was not looked up.
    pub has_objects: Option<bool>,
}

impl Relation {
    /// A table.
    pub fn of_table(dataset: &Dataset, table: &Table, zone: &StoreUrl) -> Result<Self> {
        let TableColumns { partition, columns } = TableColumns::of_table(table)?;
        let about = |name: &str| match table.column(name) {
            Some(column) if column.personal => format!("{} (personal)", one_line(&column.about)).trim().to_owned(),
            Some(column) => one_line(&column.about),
            None if name == RECEIVED_AT => "When the row's raw bytes were received".to_owned(),
            None => String::new(),
        };
        let key: Vec<String> = table.compared_by().into_iter().map(str::to_owned).collect();
        let counted = match (table.snapshot, key.is_empty()) {
            (true, _) => Counted::NewestObject,
            (false, true) => Counted::All,
            (false, false) => Counted::Newest(key),
        };
        let declared = table.columns.iter().map(|column| column.name.clone()).chain([RECEIVED_AT.to_owned()]);
        let mut shown: Vec<String> = declared.collect();
        shown.extend(partition.iter().map(|column| column.name.clone()).filter(|name| table.column(name).is_none()));
        Ok(Self {
            place: zone.join(&dataset.name).join(&table.name),
            shown,
            counted,
            ..Self::of(dataset, &table.name, Zone::Standard, &table.about, TableColumns { partition, columns }, about)
        })
    }

    /// A model.
    pub async fn of_model(lake: &Lake, dataset: &Dataset, model: &Model, zone: &StoreUrl) -> Result<Self> {
        let named = |error: &_| Failure::in_model(dataset, &model.name, error);
        let columns = TableColumns::of_model(lake, dataset, model).await.map_err(|error| named(&error))?;
        let personal = aggregate::personal_of_model(lake, dataset, model).await.map_err(|error| named(&error))?;
        let about = |name: &str| {
            let about = one_line(&dataset.about_column(model, name));
            if personal.contains(name) { format!("{about} (personal)").trim().to_owned() } else { about }
        };
        let mut relation = Self::of(dataset, &model.name, Zone::Consumption, model.about(), columns, about);
        relation.place = zone.join(&dataset.name).join(&model.name);
        let all = relation.columns.iter().chain(&relation.partition);
        relation.shown = all.map(|column| column.name.clone()).collect();
        Ok(relation)
    }

    fn of(
        dataset: &Dataset,
        name: &str,
        zone: Zone,
        about: &str,
        columns: TableColumns,
        about_column: impl Fn(&str) -> String,
    ) -> Self {
        let column = |name: String, kind, in_file| RelationColumn { about: about_column(&name), name, kind, in_file };
        Self {
            dataset: dataset.name.clone(),
            name: name.to_owned(),
            zone,
            about: one_line(about),
            place: StoreUrl::File(std::path::PathBuf::new()),
            columns: columns.columns.into_iter().map(|(name, kind)| column(name, kind, true)).collect(),
            partition: columns
                .partition
                .into_iter()
                .map(|in_path| column(in_path.name, in_path.kind, in_path.in_file))
                .collect(),
            shown: Vec::new(),
            counted: Counted::All,
            has_objects: None,
        }
    }

    /// Whether it is a table of the standard zone, of which a `current_` view shows the rows that count.
    pub fn is_table(&self) -> bool {
        self.zone == Zone::Standard
    }

    /// What its `current_` view is.
    pub fn about_current(&self) -> String {
        format!("{} (rows that count)", self.about).trim_start().to_owned()
    }

    /// Its columns by name, those of the path included.
    pub fn column(&self, name: &str) -> Option<&RelationColumn> {
        self.columns.iter().chain(&self.partition).find(|column| column.name == name)
    }

    /// The columns in the order in which `tributary query` shows them.
    pub fn shown_columns(&self) -> impl Iterator<Item = &RelationColumn> {
        self.shown.iter().filter_map(|name| self.column(name))
    }
}

/// The relations that a command names.
pub async fn chosen(
    lake: &Lake,
    name: Option<&str>,
    location: Option<&StoreUrl>,
    left_out: &mut Vec<Failure>,
) -> Result<Vec<Relation>> {
    let (dataset, part) = match name.map(|name| name.split_once('.').map_or((name, None), |(a, b)| (a, Some(b)))) {
        Some((dataset, part)) => (Some(lake.catalog.dataset(dataset)?), part),
        None => (None, None),
    };
    let place = |zone: Zone| location.map_or_else(|| lake.place(zone), |root| root.join(zone.name()));
    let (standard, consumption) = (absolute(place(Zone::Standard))?, absolute(place(Zone::Consumption))?);
    let datasets: Vec<&Dataset> = dataset.map_or_else(|| lake.catalog.datasets().iter().collect(), |one| vec![one]);
    let is_wanted = |name: &str| part.is_none_or(|part| part == name);
    let mut relations = Vec::new();
    for dataset in datasets {
        for table in dataset.tables.iter().filter(|table| is_wanted(&table.name)) {
            relations.push(Relation::of_table(dataset, table, &standard)?);
        }
        for model in
            dataset.models.iter().filter(|model| is_wanted(&model.name) && (part.is_some() || !model.intermediate))
        {
            match Relation::of_model(lake, dataset, model, &consumption).await {
                Ok(relation) => relations.push(relation),
                Err(failure) => left_out.push(failure),
            }
        }
    }
    if let (Some(dataset), Some(part), true) = (dataset, part, relations.is_empty() && left_out.is_empty()) {
        return Err(Failure::usage(dataset.unknown(part)));
    }
    Ok(relations)
}

/// Looks up which relations have objects, for engines that refuse a folder that is not there.
pub async fn look_up(lake: &Lake, relations: &mut [Relation]) -> Result<()> {
    for relation in relations {
        let prefix = format!("{}/{}/", relation.dataset, relation.name);
        let names = lake.store(relation.zone).names(&prefix).await?;
        relation.has_objects = Some(names.iter().any(|name| name.ends_with(".parquet")));
    }
    Ok(())
}

/// A path that other engines understand whatever their working directory is.
fn absolute(place: StoreUrl) -> Result<StoreUrl> {
    Ok(match place {
        StoreUrl::File(path) => {
            let absolute = std::path::absolute(&path);
            let why = |error| Failure::usage(format!("{}: {error}", path.display()));
            StoreUrl::File(absolute.map_err(why)?)
        }
        s3 @ StoreUrl::S3 { .. } => s3,
    })
}

/// A text as a comment: its first paragraph, on one line.
fn one_line(text: &str) -> String {
    let first = text.split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}
