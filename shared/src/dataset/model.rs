//! One model: a SQL file whose leading comment declares what it is made from.
//!
//! ```sql
//! -- What the table says, for people.
//! --
//! -- [model]
//! -- partition = "month(day)"
//! -- inputs = ["measurement", "station"]
//!
//! SELECT ...
//! ```

use serde::Deserialize;

use crate::hash;
use crate::partition::PartitionBy;

/// A model as declared in its SQL file.
#[derive(Debug, Clone)]
pub struct Model {
    /// The file's name without `.sql`, also the table's name.
    pub name: String,
    /// The comment before the declaration.
    pub about: String,
    /// How the result is cut: by time, or not at all.
    pub partition: PartitionBy,
    /// The tables it reads. The first one's partitions decide which partitions the model has.
    pub inputs: Vec<String>,
    /// How many days before a partition's first its inputs reach.
    pub look_back_days: u32,
    /// The query.
    pub sql: String,
    /// A fingerprint of the file's text.
    pub fingerprint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    #[serde(default)]
    partition: PartitionBy,
    inputs: Vec<String>,
    #[serde(default)]
    look_back_days: u32,
}

impl Model {
    pub(super) fn new(file: &str, text: &str) -> Result<Self, String> {
        let comment: Vec<&str> = text
            .lines()
            .map_while(|line| line.strip_prefix("--"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        let start = comment.iter().position(|line| line.trim() == "[model]").ok_or(
            "its leading comment has no declaration: write a line `-- [model]`, then lines like `-- inputs = [\"table\"]`",
        )?;
        let (about, declaration) = comment.split_at(start);
        let declaration = declaration.iter().skip(1).copied().collect::<Vec<_>>().join("\n");
        let declared: ModelFile =
            toml::from_str(&declaration).map_err(|error| format!("[model]: {}", error.message()))?;
        if declared.inputs.is_empty() {
            return Err("[model]: inputs names no table".to_owned());
        }
        if let PartitionBy::Key(_) = declared.partition {
            return Err("[model]: partition must be by time, like month(day)".to_owned());
        }
        Ok(Self {
            name: file.trim_end_matches(".sql").to_owned(),
            about: about.join("\n").trim().to_owned(),
            partition: declared.partition,
            inputs: declared.inputs,
            look_back_days: declared.look_back_days,
            sql: text.to_owned(),
            fingerprint: hash::bytes(text.as_bytes()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_comment_declares() {
        let text =
            "-- Means.\n--\n-- [model]\n-- partition = \"month(day)\"\n-- inputs = [\"m\"]\n\nSELECT 1 -- [model]\n";
        let model = Model::new("means.sql", text).unwrap();
        assert_eq!((model.name.as_str(), model.about.as_str()), ("means", "Means."));
        assert_eq!(model.inputs, ["m"]);
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, why) in [
            ("SELECT 1", "-- [model]"),
            ("-- [model]\n-- inputs = []\n", "no table"),
            ("-- [model]\n-- inputs = [\"m\"]\n-- color = 1\n", "color"),
        ] {
            let error = Model::new("m.sql", text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
