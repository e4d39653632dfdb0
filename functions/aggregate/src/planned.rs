//! What a model writes, as the engine plans it over inputs without rows. Finds what cannot be made.

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use futures::FutureExt;
use futures::future::BoxFuture;
use lake::Lake;
use lake::dataset::{Dataset, Model, Relation};
use lake::partition::Partition;
use lake::personal::PersonalKey;

use crate::apart::check_shards;
use crate::columns::Columns;
use crate::engine::{Cut, Engine};
use crate::error::{Error, Result, of_engine};
use crate::geojson;
use crate::known::Known;
use crate::lineage;
use crate::personal;
use crate::statement::{Kind, name_column, plan};
use crate::tested;

/// The columns that a model writes. Its tests are planned as well.
pub async fn planned(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<Schema> {
    let engine = Engine::new(lake, 1)?;
    let columns = of_nothing(&engine, lake, dataset, model, &Known::default()).await?;
    // Some mistakes are found only when tasks are made of the plan.
    let query = plan(engine.context(), &model.sql, Kind::Model).await?;
    let logical = query.logical_plan().clone();
    query.create_physical_plan().await.map_err(|error| name_column(&logical, of_engine(error).into()))?;
    tested::check(&engine, model, &columns).await?;
    geojson::check(model, &columns)?;
    lineage::check_split(lake, dataset, model).await?;
    check_shards(lake, dataset, model).await?;
    Ok(columns.as_ref().clone())
}

/// The columns that a model writes.
pub async fn columns(lake: &Lake, dataset: &Dataset, model: &Model) -> Result<SchemaRef> {
    of_nothing(&Engine::new(lake, 1)?, lake, dataset, model, &Known::default()).await
}

/// An error in another SQL file than the one that is planned, which the innermost has named already.
fn in_file(name: &str, error: Error) -> Error {
    match error {
        Error::Query(why) if !why.split_once(": ").is_some_and(|(file, _)| file.ends_with(".sql")) => {
            Error::Query(format!("{name}.sql: {why}"))
        }
        error => error,
    }
}

/// Plans a model over inputs without rows, which `engine` then has.
fn of_nothing<'f>(
    engine: &'f Engine,
    lake: &'f Lake,
    dataset: &'f Dataset,
    model: &'f Model,
    known: &'f Known<SchemaRef>,
) -> BoxFuture<'f, Result<SchemaRef>> {
    let planned = async move {
        let inputs = dataset.inputs_of(model).map_err(Error::Query)?;
        for relation in inputs.relations {
            match relation {
                Relation::Table(table) => {
                    engine.add_table(lake, table.name.as_str(), dataset, table, &[], &Cut::default()).await?;
                }
                Relation::Model(read) => {
                    let columns = match known.get(dataset, read) {
                        Some(columns) => columns,
                        None => {
                            let columns = of_nothing(&Engine::new(lake, 1)?, lake, dataset, read, known).await;
                            let columns = columns.map_err(|error| in_file(&read.name, error))?;
                            known.put(dataset, read, SchemaRef::clone(&columns));
                            columns
                        }
                    };
                    engine.add_empty_model(read.name.as_str(), read, &columns)?;
                    if model.hash_personal {
                        personal::register(engine.context(), &PersonalKey::new(""));
                        lineage::hide_model(engine, lake, dataset, read).await?;
                    }
                }
            }
        }
        let nothing = chrono::NaiveDate::default();
        engine.add_declared(dataset, Some(nothing..nothing), Some(nothing..nothing))?;
        for view in inputs.views {
            engine.add_view(view).await?;
        }
        let result = plan(engine.context(), &model.sql, Kind::Model).await?;
        Ok(Columns::new(model, &Partition::whole(), result.schema().as_arrow())?.schema)
    };
    planned.boxed()
}
