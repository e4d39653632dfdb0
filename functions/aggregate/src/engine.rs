//! DataFusion over the lake: which tables there are, and how the newest row of each key is found.

use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::array::{Date32Array, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef};
use datafusion::common::TableReference;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::TryStreamExt;
use lake::Lake;
use lake::dataset::{Dataset, Table};
use lake::ledger::Output;
use lake::partition::PartitionBy;
use lake::store::Store;
use lake::time::day_bounds;
use url::Url;

use crate::error::{Error, Result};
use crate::files::CommittedFiles;

/// What sorts and joins may hold in memory before they spill to temporary files.
const MEMORY: usize = 256 * 1024 * 1024;

/// A committed object and the rank of the raw key that it was made from: of two rows with the same key and time, the
/// one of the higher rank wins.
pub type Ranked<'a> = (usize, &'a Output);

/// One DataFusion session.
pub struct Engine {
    context: SessionContext,
}

impl Engine {
    /// A session. With one `parallel` task, results do not depend on timing, not even in the last bit of a mean.
    pub fn new(parallel: usize) -> Result<Self> {
        let mut config = SessionConfig::new().with_target_partitions(parallel).with_information_schema(true);
        config.options_mut().execution.collect_statistics = false;
        config.options_mut().execution.parquet.schema_force_view_types = false;
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(FairSpillPool::new(MEMORY))).build_arc()?;
        Ok(Self { context: SessionContext::new_with_config_rt(config, runtime) })
    }

    /// The session itself.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Registers a table of the standard zone as `name`: the newest row of each key.
    pub async fn add_table(
        &self,
        lake: &Lake,
        name: impl Into<TableReference>,
        dataset: &Dataset,
        table: &Table,
        outputs: &[Ranked<'_>],
    ) -> Result<()> {
        let hidden = format!("{}__{}", dataset.name, table.name);
        let partition = match &table.partition {
            PartitionBy::Nothing => None,
            // `date=2026-11-19` is a date; other values of a raw key are text.
            PartitionBy::Key(column) if column == "date" => Some((column.clone(), DataType::Date32)),
            by => by.column().map(|column| (column.to_owned(), DataType::Utf8)),
        };
        self.add_files(&lake.standard, &hidden, partition.as_ref(), Some(table.schema()), outputs).await?;
        let mut columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        columns.push(lake::dataset::RECEIVED_AT);
        let partition = partition.as_ref().map(|(column, _)| column.as_str());
        columns.extend(partition.filter(|column| !table.columns.iter().any(|known| known.name == *column)));
        let sql = newest_rows(&hidden, table, partition, &columns, needs_comparing(table, outputs));
        let view = self.context.sql(&sql).await?.into_view();
        self.register(name, view)
    }

    /// Registers a model's result as `name`.
    pub async fn add_model(
        &self,
        lake: &Lake,
        name: impl Into<TableReference>,
        by: &PartitionBy,
        outputs: &[Ranked<'_>],
    ) -> Result<()> {
        let name = name.into();
        let hidden = name.to_string().replace('.', "__");
        let partition = by.column().map(|column| (column.to_owned(), DataType::Utf8));
        self.add_files(&lake.consumption, &hidden, partition.as_ref(), None, outputs).await?;
        let table = self.context.table(&hidden).await?;
        let columns: Vec<String> =
            table.schema().fields().iter().map(|field| field.name().clone()).filter(|name| name != "_source").collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        self.register(name, table.select_columns(&columns)?.into_view())
    }

    fn register(
        &self,
        name: impl Into<TableReference>,
        table: Arc<dyn datafusion::catalog::TableProvider>,
    ) -> Result<()> {
        self.context.register_table(name, table)?;
        Ok(())
    }

    async fn add_files(
        &self,
        store: &Store,
        name: &str,
        partition: Option<&(String, DataType)>,
        schema: Option<SchemaRef>,
        outputs: &[Ranked<'_>],
    ) -> Result<()> {
        let url = format!("lake://{}/", name.replace('_', "-"));
        let url = Url::parse(&url).map_err(|error| Error::Query(format!("{name}: {error}")))?;
        let files = outputs.iter().map(|(rank, output)| (name.to_owned(), *rank, *output));
        self.context.register_object_store(&url, CommittedFiles::new(store, files));

        let mut columns = vec![("_source".to_owned(), DataType::Utf8)];
        columns.extend(partition.cloned());
        let options = ListingOptions::new(Arc::new(ParquetFormat::default().with_force_view_types(false)))
            .with_file_extension(".parquet")
            .with_table_partition_cols(columns);
        let config =
            ListingTableConfig::new(ListingTableUrl::parse(format!("{url}{name}/"))?).with_listing_options(options);
        let config = match schema {
            Some(schema) => config.with_schema(schema),
            None => config.infer_schema(&self.context.state()).await?,
        };
        self.register(name, Arc::new(ListingTable::try_new(config)?))
    }

    /// Registers `calendar`: `day` and its `hours` (23, 24 or 25) in the dataset's time zone.
    pub fn add_calendar(&self, dataset: &Dataset, from: NaiveDate, to: NaiveDate) -> Result<()> {
        let days: Vec<NaiveDate> = from.iter_days().take_while(|day| *day < to).collect();
        let hours = days.iter().map(|day| {
            let bounds = day_bounds(dataset.zone, *day);
            (bounds.end - bounds.start).num_hours()
        });
        let schema = Arc::new(Schema::new(vec![
            Field::new("day", DataType::Date32, false),
            Field::new("hours", DataType::Int64, false),
        ]));
        let batch = RecordBatch::try_new(
            schema,
            vec![
                Arc::new(days.iter().map(|day| Some(Date32Type::from_naive_date(*day))).collect::<Date32Array>()),
                Arc::new(hours.map(Some).collect::<Int64Array>()),
            ],
        )
        .map_err(DataFusionError::from)?;
        self.context.register_batch("calendar", batch)?;
        Ok(())
    }

    /// Runs a query and hands on its batches one by one; tells the result's schema.
    pub async fn run(&self, sql: &str, mut visit: impl FnMut(RecordBatch) -> Result<()>) -> Result<SchemaRef> {
        let mut batches = self.context.sql(sql).await?.execute_stream().await?;
        let schema = batches.schema();
        while let Some(batch) = batches.try_next().await? {
            visit(batch)?;
        }
        Ok(schema)
    }
}

/// The newest row of each key within a partition; on a tie the one of the greater raw key.
fn newest_rows(files: &str, table: &Table, partition: Option<&str>, columns: &[&str], compare: bool) -> String {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let columns = quoted(columns);
    if !compare {
        return format!("SELECT {columns} FROM \"{files}\"");
    }
    let mut within: Vec<&str> = table.key.iter().map(String::as_str).collect();
    within.extend(partition);
    format!(
        "SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY received_at DESC, _source DESC) \
         AS _age FROM \"{files}\") WHERE _age = 1",
        quoted(&within)
    )
}

/// Whether two objects could hold the same key: within one object, cleaning has already seen to it.
fn needs_comparing(table: &Table, outputs: &[Ranked]) -> bool {
    if table.key.is_empty() {
        return false;
    }
    let mut sorted: Vec<&Output> = outputs.iter().map(|(_, output)| *output).collect();
    sorted.sort_by(|a, b| (&a.partition, a.days).cmp(&(&b.partition, b.days)));
    sorted.windows(2).any(|pair| {
        let [a, b] = pair else { return false };
        let apart = matches!((a.days, b.days), (Some((_, last)), Some((first, _))) if last < first);
        a.partition == b.partition && !(table.key_decides_day && apart)
    })
}
