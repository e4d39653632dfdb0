use lake::dataset::Catalog;
use lake::settings::LakeSettings;

use super::*;
use crate::cli::SnowflakeTables;

async fn all(location: &str) -> Vec<Relation> {
    let mut lake = Lake::open(LakeSettings::at("file:.".parse().unwrap())).await.unwrap();
    lake.catalog = Catalog::built_in();
    relation::chosen(&lake, None, Some(&location.parse().unwrap()), &mut Vec::new()).await.unwrap()
}

fn names(relations: &[Relation], tables_only: bool) -> Vec<(String, String)> {
    let chosen = relations.iter().filter(|relation| !tables_only || relation.is_table());
    chosen.map(|relation| (relation.dataset.clone(), relation.name.clone())).collect()
}

#[tokio::test]
async fn every_dialect_has_every_table_and_model_and_a_view_of_each_table() {
    let relations = all("s3://lake/x").await;
    assert!(names(&relations, false).len() > names(&relations, true).len());
    for (sql, table, view) in [
        (athena::ddl(&relations, "lake").unwrap(), "EXISTS `lake`.`{d}_{t}` (", "VIEW \"lake\".\"current_{d}_{t}\" AS"),
        (duckdb::ddl(&relations), "VIEW \"{d}\".\"{t}\" AS", "VIEW \"{d}\".\"current_{t}\" AS"),
        (spark::ddl(&relations), "EXISTS `{d}`.`{t}` (", "VIEW `{d}`.`current_{t}` ("),
        (
            snowflake::ddl(&relations, SnowflakeTables::External).unwrap(),
            "EXTERNAL TABLE \"{D}\".\"{T}\" (",
            "VIEW \"{D}\".\"CURRENT_{T}\" (",
        ),
        (
            snowflake::ddl(&relations, SnowflakeTables::Iceberg).unwrap(),
            "ICEBERG TABLE IF NOT EXISTS \"{D}\".\"{T}\"",
            "VIEW \"{D}\".\"CURRENT_{T}\" (",
        ),
    ] {
        for (tables_only, pattern) in [(false, table), (true, view)] {
            for (dataset, name) in names(&relations, tables_only) {
                let wanted = pattern.replace("{d}", &dataset).replace("{t}", &name);
                let wanted = wanted.replace("{D}", &dataset.to_uppercase()).replace("{T}", &name.to_uppercase());
                assert_eq!(sql.matches(&wanted).count(), 1, "{wanted}");
            }
        }
        assert!(sql.contains("s3://lake/x/standard"), "{sql}");
    }
}

#[tokio::test]
async fn views_follow_the_declared_key_the_part_of_the_raw_key_and_snapshots() {
    let relations = all("s3://lake").await;
    let counted = |dataset: &str, name: &str| {
        let found = relations.iter().find(|relation| relation.dataset == dataset && relation.name == name);
        found.unwrap().counted.clone()
    };
    let newest = |names: &[&str]| Counted::Newest(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(counted("irceline", "measurement"), newest(&["timeseries_id", "timestamp"]));
    assert_eq!(counted("irceline", "station"), newest(&["station_id", "date"]), "compared within its day");
    assert_eq!(counted("codetrack", "learner"), Counted::NewestObject);
}

#[test]
fn athena_projects_partitions_as_terraform_does() {
    let glue = include_str!("../../../../infra/modules/lake/glue.tf");
    for (column, columns) in [("week", 1), ("month", 1), ("year", 2), ("month", 2)] {
        for (option, value) in athena::projection(column, columns) {
            let option = if option.contains('.') { format!("\"{option}\"") } else { option.to_owned() };
            assert!(glue.contains(&format!("{option} = \"{value}\"")), "{column}: {option} = {value}");
        }
    }
    assert!(glue.contains("range(1970, 2100) : tostring(year)"));
    assert!(glue.contains("range(70, 170) : format(\"%02d-%02d\", year % 100, (year + 1) % 100)"));
    let years = athena::projection("year", 1)[1].1.clone();
    let has = |year: &str| years.split(',').any(|known| known == year);
    assert!(["1970", "2026", "2099", "70-71", "99-00", "26-27", "69-70"].iter().all(|year| has(year)), "{years}");
    assert_eq!(athena::projection("cohort", 3), [("type", "injected".to_owned())]);
}

#[tokio::test]
async fn athena_and_snowflake_refuse_a_local_folder() {
    let relations = all("file:/lake").await;
    let why = athena::ddl(&relations, "lake").unwrap_err();
    assert!(why.is_usage && why.message.contains("--location"), "{}", why.message);
    assert!(snowflake::ddl(&relations, SnowflakeTables::External).unwrap_err().is_usage);
}

#[test]
fn texts_are_quoted_so_that_they_stay_texts() {
    assert_eq!(literal("it's"), "'it''s'");
    assert_eq!(double_quoted("a\"b"), "\"a\"\"b\"");
    assert_eq!(snowflake::capitals("timestamp"), "\"TIMESTAMP\"");
}
