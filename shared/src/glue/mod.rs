//! Registered partitions in the Glue Data Catalog. Athena works out where partitions are by itself; Redshift Spectrum, EMR
//! and Glue's Spark see only those that are registered.
//!
//! What is registered follows the ledger and is never part of a commit: where it fails, the data is there, and the next
//! run registers what this one did not. A registration is no data either: one whose partition is gone is removed.

mod call;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex, PoisonError};

use futures::StreamExt;
use serde::Serialize;
use serde_json::{Value, json};

use self::call::CallError;
pub(crate) use self::call::Client;
use crate::error::{Error, Result};
use crate::partition::{NULL, Partition};
use crate::settings::Zone;
use crate::store::StoreUrl;

/// The most partitions that one request takes.
const BATCH: usize = 100;
/// Tables that are compared at the same time.
const CONCURRENT_TABLES: usize = 8;
/// Removals at the same time.
const CONCURRENT_REMOVALS: usize = 8;

/// What this process knows to be registered, by database: a function that is called again asks for nothing that it knows.
static KNOWN: LazyLock<Mutex<BTreeMap<String, Placed>>> = LazyLock::new(Mutex::default);

/// The partitions that there are, by zone, dataset and table or model.
pub type Placed = BTreeMap<Place, BTreeSet<Partition>>;

/// A table or model of the lake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `standard` or `consumption`.
    pub zone: &'static str,
    /// The dataset.
    pub dataset: String,
    /// The table or model.
    pub name: String,
}

impl Place {
    /// A table or model in a zone.
    pub fn new(zone: Zone, dataset: &str, name: &str) -> Self {
        Self { zone: zone.name(), dataset: dataset.to_owned(), name: name.to_owned() }
    }

    /// The name of its table in Glue, as `infra/` makes it.
    fn table(&self) -> String {
        format!("{}_{}", self.dataset, self.name).to_lowercase()
    }
}

/// What was changed in the catalog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// Partitions that were registered.
    pub added: u64,
    /// Registrations that were removed, of partitions that are gone.
    pub removed: u64,
    /// Tables of the lake that the catalog does not have.
    pub unknown_tables: u64,
}

/// A database of the Data Catalog.
#[derive(Debug, Clone)]
pub struct Glue {
    database: String,
    standard: StoreUrl,
    consumption: StoreUrl,
    client: Client,
}

impl Glue {
    /// Makes no request.
    pub(crate) fn new(database: String, standard: StoreUrl, consumption: StoreUrl, client: Client) -> Self {
        Self { database, standard, consumption, client }
    }

    /// Makes registrations those of the partitions that there are, for each table in `placed` and no other.
    pub async fn register(&self, placed: &Placed) -> Result<Registered> {
        let unknown: Placed = {
            let all = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
            let known = all.get(&self.database);
            let is_news = |(place, partitions): &(&Place, &BTreeSet<Partition>)| {
                known.and_then(|known| known.get(place)) != Some(partitions)
            };
            placed.iter().filter(is_news).map(|(place, partitions)| (place.clone(), partitions.clone())).collect()
        };
        let mut sum = Registered::default();
        if unknown.is_empty() {
            return Ok(sum);
        }
        let tables = self.tables().await?;
        let work = unknown.into_iter().map(|(place, partitions)| {
            let table = tables.get(&place.table()).cloned();
            async move {
                let Some(table) = table else {
                    return Ok((place, partitions, Registered { unknown_tables: 1, ..Registered::default() }));
                };
                let done = self.bring_up_to_date(&place, &table, &partitions).await?;
                Ok::<_, Error>((place, partitions, done))
            }
        });
        let mut work = futures::stream::iter(work).buffer_unordered(CONCURRENT_TABLES);
        let mut failed = None;
        while let Some(done) = work.next().await {
            match done {
                Ok((place, partitions, done)) => {
                    sum.added += done.added;
                    sum.removed += done.removed;
                    sum.unknown_tables += done.unknown_tables;
                    if done.unknown_tables == 0 {
                        let mut all = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
                        all.entry(self.database.clone()).or_default().insert(place, partitions);
                    }
                }
                // A table that fails stops no other.
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(sum), Err)
    }

    async fn bring_up_to_date(
        &self,
        place: &Place,
        table: &Value,
        partitions: &BTreeSet<Partition>,
    ) -> Result<Registered> {
        let name = place.table();
        let storage = table.get("StorageDescriptor").cloned().unwrap_or_default();
        let wanted: BTreeMap<Vec<String>, String> =
            partitions.iter().map(|partition| (values(partition), self.location(place, partition))).collect();
        let there = self.partitions(&name).await?;
        let is_right = |(values, location): &(&Vec<String>, &String)| {
            wanted.get(*values).is_some_and(|wanted| same_place(wanted, location))
        };
        let gone: Vec<&Vec<String>> = there.iter().filter(|one| !is_right(one)).map(|(values, _)| values).collect();
        let mut removals = futures::stream::iter(gone.iter().map(|values| self.remove(&name, values)))
            .buffer_unordered(CONCURRENT_REMOVALS);
        while let Some(removed) = removals.next().await {
            removed?;
        }
        drop(removals);
        let is_new = |(values, _): &(&Vec<String>, &String)| !there.contains_key(*values) || gone.contains(values);
        let new: Vec<(&Vec<String>, &String)> = wanted.iter().filter(is_new).collect();
        for batch in new.chunks(BATCH) {
            self.add(&name, &storage, batch).await?;
        }
        Ok(Registered { added: new.len() as u64, removed: gone.len() as u64, unknown_tables: 0 })
    }

    /// Where a partition is.
    fn location(&self, place: &Place, partition: &Partition) -> String {
        let zone = if place.zone == Zone::Standard.name() { &self.standard } else { &self.consumption };
        format!("{}/{partition}/", zone.join(&place.dataset).join(&place.name))
    }

    /// The tables that the database has.
    async fn tables(&self) -> Result<BTreeMap<String, Value>> {
        let input = json!({"DatabaseName": self.database});
        let tables = self.pages("GetTables", input, "TableList").await?;
        let name = |table: &Value| Some(table.get("Name")?.as_str()?.to_owned());
        Ok(tables.into_iter().filter_map(|table| Some((name(&table)?, table))).collect())
    }

    /// The partitions that are registered: values and places.
    async fn partitions(&self, table: &str) -> Result<BTreeMap<Vec<String>, String>> {
        let input = json!({"DatabaseName": self.database, "TableName": table, "ExcludeColumnSchema": true});
        let partitions = self.pages("GetPartitions", input, "Partitions").await?;
        let read = |partition: &Value| {
            let values = partition.get("Values")?.as_array()?.iter();
            let values = values.map(|value| Some(value.as_str()?.to_owned())).collect::<Option<Vec<String>>>()?;
            let location = partition.pointer("/StorageDescriptor/Location").and_then(Value::as_str);
            Some((values, location.unwrap_or_default().to_owned()))
        };
        Ok(partitions.iter().filter_map(read).collect())
    }

    /// All pages of a list.
    async fn pages(&self, operation: &'static str, mut input: Value, list: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        loop {
            let mut page = self.client.call(operation, &input).await.map_err(|error| self.failed(operation, error))?;
            if let Some(Value::Array(items)) = page.get_mut(list).map(Value::take) {
                all.extend(items);
            }
            match page.get("NextToken").and_then(Value::as_str).filter(|token| !token.is_empty()) {
                Some(token) => drop(input.as_object_mut().map(|input| input.insert("NextToken".into(), token.into()))),
                None => return Ok(all),
            }
        }
    }

    /// Registers partitions. Another run may have done so meanwhile.
    async fn add(&self, table: &str, storage: &Value, batch: &[(&Vec<String>, &String)]) -> Result<()> {
        let input = |(values, location): &(&Vec<String>, &String)| {
            let mut storage = storage.clone();
            if let Some(storage) = storage.as_object_mut() {
                storage.insert("Location".to_owned(), (*location).clone().into());
            }
            json!({"Values": values, "StorageDescriptor": storage})
        };
        let inputs: Vec<Value> = batch.iter().map(input).collect();
        let input = json!({"DatabaseName": self.database, "TableName": table, "PartitionInputList": inputs});
        const OPERATION: &str = "BatchCreatePartition";
        let answer = self.client.call(OPERATION, &input).await.map_err(|error| self.failed(OPERATION, error))?;
        let mut errors = answer.get("Errors").and_then(Value::as_array).into_iter().flatten();
        let code = |error: &Value| error.pointer("/ErrorDetail/ErrorCode").and_then(Value::as_str).map(str::to_owned);
        let failed = errors.find(|error| code(error).as_deref() != Some("AlreadyExistsException"));
        failed.map_or(Ok(()), |error| {
            let why = error.get("ErrorDetail").unwrap_or(error).to_string();
            Err(self.failed(OPERATION, CallError { code: String::new(), why, can_retry: true }))
        })
    }

    /// Removes a registration, which another run may have done.
    async fn remove(&self, table: &str, values: &[String]) -> Result<()> {
        let input = json!({"DatabaseName": self.database, "TableName": table, "PartitionValues": values});
        const OPERATION: &str = "DeletePartition";
        match self.client.call(OPERATION, &input).await {
            Err(error) if error.code != "EntityNotFoundException" => Err(self.failed(OPERATION, error)),
            _ => Ok(()),
        }
    }

    fn failed(&self, operation: &'static str, error: CallError) -> Error {
        let CallError { why, can_retry, .. } = error;
        Error::Glue { operation, database: self.database.clone(), why, can_retry }
    }
}

/// A partition's values, as Hive knows them: null by its own name.
fn values(partition: &Partition) -> Vec<String> {
    let value = |value: String| if value.is_empty() { NULL.to_owned() } else { value };
    partition.values().map(|(_, text)| value(text)).collect()
}

fn same_place(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_registered_by_its_values_and_its_encoded_place() {
        let partition = Partition::whole().within("month", "2026-11").within("cohort", "a b").within("kind", "");
        assert_eq!(values(&partition), ["2026-11", "a b", NULL]);
        let zone = |text: &str| text.parse::<StoreUrl>().unwrap();
        let glue = Glue::new("lake".to_owned(), zone("s3://s/x"), zone("s3://c"), Client::default());
        let place = |zone| Place::new(zone, "d", "Of");
        assert_eq!(
            glue.location(&place(Zone::Consumption), &partition),
            format!("s3://c/d/Of/month=2026-11/cohort=a%20b/kind={NULL}/")
        );
        assert!(glue.location(&place(Zone::Standard), &partition).starts_with("s3://s/x/d/Of/month="));
        assert_eq!(place(Zone::Standard).table(), "d_of");
    }
}
