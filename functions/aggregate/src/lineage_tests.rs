use std::collections::BTreeMap;

use lake::dataset::{Catalog, Folder};
use lake::settings::LakeSettings;

use super::*;
use crate::{pages, planned};

const DATASET: &str = "title = \"Club\"\ntime_zone = \"UTC\"\n[table.person]\nfrom = \"*.csv\"\nkey = [\"id\"]\n\
    [table.person.column]\nid = { type = \"int64\", personal = true }\nname = { type = \"string\", personal = true }\n\
    cohort = { type = \"string\" }\nage = { type = \"int64\" }\nborn = { type = \"date\" }\n";

async fn lake(files: &[(&str, &str)]) -> Lake {
    let mut lake = Lake::open(LakeSettings::at("file:.".parse().unwrap())).await.unwrap();
    let mut folder = Folder::from([("dataset.toml".to_owned(), DATASET.to_owned())]);
    for (name, text) in files {
        folder.insert((*name).to_owned(), (*text).to_owned());
    }
    let other = Folder::from([("dataset.toml".to_owned(), DATASET.replace("Club", "Other"))]);
    lake.catalog = Catalog::with_folders(BTreeMap::from([("club".to_owned(), folder), ("other".to_owned(), other)]));
    lake
}

fn model(declared: &str, sql: &str) -> String {
    format!("-- [model]\n-- inputs = [\"person\"]\n{declared}\n{sql}\n")
}

async fn personal_columns(lake: &Lake, sql: &str) -> String {
    Lineage::new(lake).unwrap().personal_columns(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).join(", ")
}

#[tokio::test]
async fn personal_columns_are_followed_through_queries() {
    let renamed = model(
        "-- split = [\"cohort\"]",
        "SELECT cohort, age AS n, name AS who, count(*) AS rows FROM person GROUP BY 1, 2, 3",
    );
    let hashed = model("-- hash_personal = true", "SELECT id AS n, name AS who FROM person");
    let by_view = "-- [model]\n-- inputs = [\"named\"]\nSELECT x, cohort FROM named\n";
    let view =
        "-- [view]\n-- inputs = [\"person\"]\n-- materialize = true\nSELECT upper(name) AS x, cohort FROM person\n";
    let lake =
        lake(&[("renamed.sql", &renamed), ("hashed.sql", &hashed), ("by_view.sql", by_view), ("named.sql", view)])
            .await;
    for (sql, wanted) in [
        ("SELECT name AS who, cohort FROM club.person", "who"),
        ("SELECT b AS who, c AS kind FROM club.person AS t(a, b, c, d, e, f)", "who"),
        ("SELECT * FROM other.person", "id, name"),
        ("SELECT name || '' AS mail, concat('x', id) AS y, age + 1 AS z FROM club.person", "mail, y"),
        ("SELECT count(*) AS a, count(DISTINCT name) AS b, max(age) AS c, max(name) AS d FROM club.person", "d"),
        ("SELECT cohort, name AS x, count(id) AS n FROM club.person GROUP BY cohort, name", "x"),
        ("SELECT cohort AS x, count(*) AS n FROM club.person GROUP BY ROLLUP (cohort, name)", ""),
        ("SELECT name AS x, cohort, grouping(name) AS g FROM club.person GROUP BY CUBE (cohort, name)", "x"),
        ("SELECT array_agg(name ORDER BY age) AS x, array_agg(age ORDER BY name) AS y FROM club.person", "x"),
        (
            "SELECT row_number() OVER (ORDER BY name) AS a, lag(name) OVER (ORDER BY age) AS b, sum(age) OVER (PARTITION BY id) AS c FROM club.person",
            "b",
        ),
        (
            "SELECT cohort, (SELECT max(name) FROM other.person AS o WHERE o.age = p.age) AS x FROM club.person AS p",
            "x",
        ),
        ("SELECT 1 AS one, (SELECT max(p.name) FROM other.person AS o) AS x FROM club.person AS p", "x"),
        ("SELECT cohort FROM club.person WHERE name LIKE 'A%' ORDER BY id LIMIT 1", ""),
        (
            "SELECT CASE WHEN id > 0 THEN 'yes' ELSE 'no' END AS x, name IS NULL AS y, CASE WHEN age > 1 THEN name END AS z FROM club.person",
            "z",
        ),
        ("SELECT a.cohort, b.name AS x FROM club.person AS a JOIN other.person AS b ON a.id = b.id", "x"),
        (
            "SELECT * FROM (SELECT cohort FROM club.person) AS a LEFT SEMI JOIN club.person AS b ON a.cohort = b.cohort",
            "",
        ),
        ("SELECT cohort AS x, age FROM club.person UNION ALL SELECT name, 1 FROM other.person", "x"),
        ("SELECT cohort FROM club.person EXCEPT SELECT name FROM club.person", ""),
        (
            "WITH RECURSIVE t AS (SELECT 1 AS n, name AS x FROM club.person UNION ALL SELECT n + 1, x FROM t WHERE n < 2) SELECT x FROM t",
            "x",
        ),
        ("SELECT unnest(x) AS y, n FROM (SELECT array_agg(name) AS x, count(*) AS n FROM club.person)", "y"),
        ("SELECT DISTINCT ON (cohort) cohort, name AS x FROM club.person ORDER BY cohort, age", "x"),
        (
            "SELECT s['a'] AS x, s['b'] AS y FROM (SELECT named_struct('a', name, 'b', age) AS s FROM club.person)",
            "x, y",
        ),
        ("SELECT x.v AS y FROM club.person AS p CROSS JOIN LATERAL (SELECT p.name AS v) AS x", "y"),
        ("SELECT table_name FROM information_schema.tables", ""),
        ("SELECT who, n FROM club.renamed", "who"),
        ("SELECT a, b, c, d FROM club.renamed AS t(a, b, c, d)", "b"),
        ("SELECT who, n FROM club.hashed", ""),
        ("SELECT * FROM club.by_view", "x"),
    ] {
        assert_eq!(personal_columns(&lake, sql).await, wanted, "{sql}");
    }
    let explained = "EXPLAIN ANALYZE SELECT cohort FROM club.person ORDER BY name LIMIT 1";
    assert!(!personal_columns(&lake, explained).await.is_empty());
}

#[tokio::test]
async fn columns_are_followed_to_those_they_are_computed_from() {
    let view = "-- [view]\n-- inputs = [\"person\"]\nSELECT upper(name) AS x, cohort, age FROM person\n";
    let first = "-- [model]\n-- inputs = [\"named\"]\n\
        SELECT cohort, x, max(age) AS oldest, count(*) AS rows, count(x) AS known, 1 AS one FROM named GROUP BY cohort, x\n";
    let second = "-- [model]\n-- inputs = [\"first\", \"person\"]\n\
        SELECT a.oldest + p.id AS sum, CASE WHEN p.age > 1 THEN a.x END AS y, a.x = p.name AS same,\n\
        (SELECT min(born) FROM person) AS born FROM first AS a JOIN person AS p ON a.cohort = p.cohort\n";
    let third = "-- [model]\n-- inputs = [\"person\"]\nWITH RECURSIVE t AS (SELECT id, born, age FROM person \
        UNION ALL SELECT age, born, age - 1 FROM t WHERE age > 1) SELECT * FROM t\n";
    let lake = lake(&[("named.sql", view), ("first.sql", first), ("second.sql", second), ("third.sql", third)]).await;
    let dataset = lake.catalog.dataset("club").unwrap();
    for (model, wanted) in [
        ("first", "cohort: person.cohort; x: person.name; oldest: person.age; rows: ; known: person.name; one: "),
        (
            "second",
            "sum: first.oldest, person.id; y: first.x, person.age; same: first.x, person.name; born: person.born",
        ),
        ("third", "id: person.age, person.id; born: person.born; age: person.age"),
    ] {
        let found = origins(&lake, dataset, dataset.model(model).unwrap()).await.unwrap();
        let texts = found.iter().map(|(column, sources)| {
            format!("{column}: {}", sources.iter().map(|source| source.as_ref()).collect::<Vec<&str>>().join(", "))
        });
        assert_eq!(texts.collect::<Vec<_>>().join("; "), wanted);
    }
}

#[tokio::test]
async fn pages_without_names_are_refused_with_personal_columns() {
    let page = |sql: &str, personal: &str| {
        format!(
            "[[page]]\nname = \"p\"\ntitle = \"P\"\n{personal}[[page.section]]\ntitle = \"S\"\n[[page.section.chart]]\nkind = \"table\"\n\
             title = \"T\"\nsql = '''{sql}'''\ncolumns = [{{ name = \"who\", label = \"Who\" }}]\n"
        )
    };
    let renamed = model("", "SELECT cohort, name AS who FROM person");
    for (sql, is_refused) in [
        ("SELECT b AS who FROM club.person AS t(a, b, c, d, e, f)", true),
        ("SELECT who FROM club.renamed", true),
        ("SELECT count(who) AS who FROM club.renamed", false),
        ("SELECT cohort AS who FROM club.renamed", false),
    ] {
        for (personal, is_refused) in [("", is_refused), ("personal = true\n", false)] {
            let lake = lake(&[("renamed.sql", &renamed), ("report.toml", &page(sql, personal))]).await;
            let problems = pages::check(&lake, lake.catalog.dataset("club").unwrap()).await.unwrap();
            assert_eq!(problems.iter().any(|problem| problem.contains("derives from personal")), is_refused, "{sql}");
            assert_eq!(problems.is_empty(), !is_refused, "{sql}: {problems:?}");
        }
    }
}

#[tokio::test]
async fn personal_columns_do_not_split() {
    for (declared, is_refused) in [
        ("-- split = [\"who\"]", true),
        ("-- split = [\"cohort\"]", false),
        ("-- split = [\"who\"]\n-- hash_personal = true", false),
    ] {
        let lake = lake(&[("m.sql", &model(declared, "SELECT cohort, name AS who, age FROM person"))]).await;
        let dataset = lake.catalog.dataset("club").unwrap();
        let done = planned(&lake, dataset, dataset.models.first().unwrap()).await;
        assert_eq!(
            done.is_err_and(|error| error.to_string().contains("split: \"who\" derives")),
            is_refused,
            "{declared}"
        );
    }
}

#[tokio::test]
async fn the_built_in_datasets_show_nothing_personal() {
    let mut lake = lake(&[]).await;
    lake.catalog = Catalog::built_in();
    for dataset in lake.catalog.datasets() {
        for model in &dataset.models {
            check_split(&lake, dataset, model).await.unwrap_or_else(|error| panic!("{}: {error}", model.name));
        }
        assert_eq!(pages::check(&lake, dataset).await.unwrap(), Vec::<String>::new(), "{}", dataset.name);
    }
}
