//! What models read: tables, views and other models.

use super::mistake::Mistake;
use super::{Dataset, MistakeIn, Model, Table, View};
use crate::partition::PartitionBy;
use crate::suggest::did_you_mean;

/// Something that has rows of its own: a table of the standard zone, or a model of the consumption zone.
#[derive(Debug, Clone, Copy)]
pub enum Relation<'a> {
    /// A table.
    Table(&'a Table),
    /// A model.
    Model(&'a Model),
}

impl<'a> Relation<'a> {
    /// Its name in SQL.
    pub fn name(self) -> &'a str {
        match self {
            Self::Table(table) => &table.name,
            Self::Model(model) => &model.name,
        }
    }

    /// How it is cut.
    pub fn partition(self) -> &'a PartitionBy {
        match self {
            Self::Table(table) => &table.partition,
            Self::Model(model) => &model.partition,
        }
    }

    /// Whether a model may be cut by a date column of this relation. Errors say why not.
    fn days_by(self, column: &str) -> Result<(), String> {
        match self {
            Self::Table(table) => table.days_by(column).map(drop),
            Self::Model(model) => match model.cut_by() {
                Some(day) if day == column => Ok(()),
                Some(day) => Err(format!(
                    "the first input, {}, is cut by \"{day}\": name that column in place of \"{column}\"",
                    model.name
                )),
                None => Err(format!("the first input, {}, is not cut by time", model.name)),
            },
        }
    }
}

/// What a model reads.
#[derive(Debug, Default)]
pub struct Inputs<'a> {
    /// Tables and models, in the order in which the model and its views name them.
    pub relations: Vec<Relation<'a>>,
    /// The views, each after those that it reads.
    pub views: Vec<&'a View>,
}

impl<'a> Inputs<'a> {
    /// The tables among them.
    pub fn tables(&self) -> impl Iterator<Item = &'a Table> + '_ {
        self.relations.iter().filter_map(|relation| match relation {
            Relation::Table(table) => Some(*table),
            Relation::Model(_) => None,
        })
    }

    /// The models among them.
    pub fn models(&self) -> impl Iterator<Item = &'a Model> + '_ {
        self.relations.iter().filter_map(|relation| match relation {
            Relation::Table(_) => None,
            Relation::Model(model) => Some(*model),
        })
    }
}

impl Dataset {
    /// All tables, views and models that a model reads, but not what those models read. Errors if views read each other in a circle.
    pub fn inputs_of(&self, model: &Model) -> Result<Inputs<'_>, String> {
        let mut inputs = Inputs::default();
        let mut open = Vec::new();
        for name in &model.inputs {
            self.collect(name, &mut open, &mut inputs)?;
        }
        Ok(inputs)
    }

    /// What is said of a column of a model: by its own comment, else of the column of the same name in what it reads, as a
    /// column that keeps its name keeps what it is. Empty if nothing is.
    pub fn about_column(&self, model: &Model, column: &str) -> String {
        if let Some(about) = model.columns().get(column) {
            return about.clone();
        }
        let inputs = self.inputs_of(model).unwrap_or_default();
        let said = inputs.relations.iter().map(|relation| match relation {
            Relation::Table(table) => table.column(column).map(|column| column.about.clone()).unwrap_or_default(),
            Relation::Model(read) => self.about_column(read, column),
        });
        said.into_iter().find(|about| !about.is_empty()).unwrap_or_default()
    }

    fn collect<'a>(&'a self, name: &str, open: &mut Vec<String>, inputs: &mut Inputs<'a>) -> Result<(), String> {
        let relation = self.table(name).map(Relation::Table).or_else(|| self.model(name).map(Relation::Model));
        if let Some(relation) = relation {
            if !inputs.relations.iter().any(|known| known.name() == name) {
                inputs.relations.push(relation);
            }
            return Ok(());
        }
        let Some(view) = self.view(name) else { return Err(format!("there is no table, view or model \"{name}\"")) };
        if open.iter().any(|reader| reader == name) {
            return Err(format!("the views {} read each other in a circle", open.join(", ")));
        }
        if inputs.views.iter().any(|known| known.name == name) {
            return Ok(());
        }
        open.push(name.to_owned());
        for input in &view.inputs {
            self.collect(input, open, inputs)?;
        }
        open.pop();
        inputs.views.push(view);
        Ok(())
    }

    /// Finds inputs that are not there, circles, and partitions that no input can be cut by.
    pub(super) fn check_inputs(&self) -> Result<(), MistakeIn> {
        let queries = self
            .models
            .iter()
            .map(|model| (&model.name, &model.inputs))
            .chain(self.views.iter().map(|view| (&view.name, &view.inputs)));
        for (name, inputs) in queries {
            let is_known = |input: &String| {
                self.table(input).is_some() || self.view(input).is_some() || self.model(input).is_some()
            };
            if let Some(input) = inputs.iter().find(|input| !is_known(input)) {
                let known = self.names().into_iter().chain(self.views.iter().map(|view| view.name.as_str()));
                let known: Vec<&str> = known.filter(|known| known != name).collect();
                let meant = did_you_mean(input, known.iter().copied());
                let why = format!(
                    "inputs: \"{input}\" is no table, view or model of this dataset; there are {}{meant}",
                    known.join(", ")
                );
                return Err((format!("{name}.sql"), Mistake::new(why)));
            }
        }
        for model in &self.models {
            let wrong = |why: String| (format!("{}.sql", model.name), Mistake::new(why).within("[model]"));
            let inputs = self.inputs_of(model).map_err(wrong)?;
            let Some(first) = inputs.relations.first() else { return Err(wrong("its views read no table".to_owned())) };
            if let PartitionBy::Key(name) = &model.partition
                && first.partition() != &model.partition
            {
                let why =
                    format!("partition: the first input, {}, is not cut by a {name}=... in its raw keys", first.name());
                return Err(wrong(why));
            }
            if let PartitionBy::Time(_, column) = &model.partition {
                first.days_by(column).map_err(|why| wrong(format!("partition: {why}")))?;
            }
            if let Relation::Table(table) = first
                && let Some(unknown) = model.shard.iter().find(|name| table.column(name).is_none())
            {
                return Err(wrong(format!("shard: the first input, {}, has no column \"{unknown}\"", table.name)));
            }
            for read in inputs.models() {
                if model.cut_by().is_some()
                    && read.cut_by().is_some_and(|day| read.hidden.iter().any(|name| name == day))
                {
                    let why = format!(
                        "inputs: {} hides the column by which its rows are found: leave it out of hidden",
                        read.name
                    );
                    return Err(wrong(why));
                }
            }
        }
        self.levels_of().map(drop)
    }

    /// The models by levels: those that read tables alone, then those that read models of the levels before.
    pub fn levels(&self) -> Vec<Vec<&Model>> {
        // Checked when the dataset was read.
        self.levels_of().unwrap_or_default()
    }

    /// A model and all that it reads, directly or by others.
    pub fn upstream_of<'a>(&'a self, model: &'a Model) -> Vec<&'a Model> {
        let mut found = vec![model];
        let mut at = 0;
        while let Some(next) = found.get(at).copied() {
            let Ok(inputs) = self.inputs_of(next) else { break };
            for read in inputs.models() {
                if !found.iter().any(|known| known.name == read.name) {
                    found.push(read);
                }
            }
            at += 1;
        }
        found
    }

    fn levels_of(&self) -> Result<Vec<Vec<&Model>>, MistakeIn> {
        let mut levels: Vec<Vec<&Model>> = Vec::new();
        let mut left: Vec<(&Model, Vec<&Model>)> = Vec::new();
        for model in &self.models {
            let inputs = self.inputs_of(model).map_err(|why| (format!("{}.sql", model.name), Mistake::new(why)))?;
            left.push((model, inputs.models().collect()));
        }
        while !left.is_empty() {
            let names: Vec<&str> = left.iter().map(|(model, _)| model.name.as_str()).collect();
            let (waiting, ready): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|(_, reads)| reads.iter().any(|read| names.contains(&read.name.as_str())));
            if ready.is_empty() {
                let why = format!("inputs: the models {} read each other in a circle", names.join(", "));
                return Err((
                    format!("{}.sql", names.first().copied().unwrap_or_default()),
                    Mistake::new(why).within("[model]"),
                ));
            }
            levels.push(ready.into_iter().map(|(model, _)| model).collect());
            left = waiting;
        }
        Ok(levels)
    }
}
