//! DataFusion over the lake: which tables there are, and how the newest row of each key is found.

use std::fs::File;
use std::future::Future;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use datafusion::arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Date32Type, FieldRef, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{ScalarValue, TableReference};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::functions::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, SortExpr};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext, cast, ident, lit};
use futures::{FutureExt, StreamExt};
use lake::Lake;
use lake::dataset::{Column, ColumnType, Dataset, Model, RECEIVED_AT, Spread, Table, View};
use lake::ledger::Output;
use lake::partition::{NULL, PartitionBy, decoded};
use lake::personal::PersonalKey;
use lake::scratch::Scratch;
use lake::settings::Limits;
use lake::store::Store;
use lake::time::day_bounds;

use crate::bounds;
use crate::columns::seen;
use crate::error::{Error, Result};
use crate::exact::{are_unlike, of_the_last};
use crate::files::{CommittedFiles, Reads};
use crate::memory::Pool;
use crate::numbered;
use crate::personal;
use crate::reach::{SLACK, days_of, widened};
use crate::scan::{Listed, Scan};
use crate::session;
use crate::statement::{Kind, name_column, plan};

/// How a path's values are named in the engine: files have columns of their names, too.
const IN_PATH: &str = "_path_";
/// The rank of the raw key that a row comes from.
const RANK: &str = "_source";

/// A committed object and the rank of the raw key that it was made from: of two rows with the same key and time, the
/// one of the higher rank wins.
pub type Ranked<'a> = (usize, &'a Output);

/// One DataFusion session.
pub struct Engine {
    context: SessionContext,
    /// Where views are materialized, and what does not fit into memory goes; removed with the session.
    scratch: Scratch,
    reads: Reads,
    limits: Limits,
}

/// How tables are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joins {
    /// One side is in memory.
    Hashed,
    /// Both are sorted, which may spill.
    Sorted,
}

/// What is to be seen of a table.
#[derive(Debug, Clone, Default)]
pub struct Cut<'a> {
    /// Rows of these days only, `[from, to)`, where the table is cut by time.
    pub days: Option<Range<NaiveDate>>,
    /// The date column by which a table is cut that is not cut by time itself.
    pub by: Option<&'a str>,
    /// Keyed hashes in place of personal values.
    pub personal_key: Option<&'a PersonalKey>,
}

impl Engine {
    /// A session. With one `parallel` task, results do not depend on timing, not even in the last bit of a mean.
    pub fn new(lake: &Lake, parallel: usize) -> Result<Self> {
        Self::with_joins(lake, parallel, Joins::Hashed)
    }

    /// A session whose joins need no more memory than its sorts, and take longer.
    pub fn frugal(lake: &Lake, parallel: usize) -> Result<Self> {
        Self::with_joins(lake, parallel, Joins::Sorted)
    }

    fn with_joins(lake: &Lake, parallel: usize, joins: Joins) -> Result<Self> {
        // Joins of sorted rows are planned for several tasks only.
        let parallel = if joins == Joins::Sorted { parallel.max(2) } else { parallel };
        let mut config = SessionConfig::new().with_target_partitions(parallel).with_information_schema(true);
        config.options_mut().execution.collect_statistics = false;
        config.options_mut().optimizer.prefer_hash_join = joins == Joins::Hashed;
        let scratch = Scratch::new().map_err(|error| Error::Query(error.to_string()))?;
        let limits = lake.limits();
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(Pool::new(limits.memory_bytes)))
            .with_temp_file_path(scratch.path())
            .build_arc()?;
        let context = session::session(config, runtime);
        bounds::bound_functions(&context)?;
        numbered::register(&context)?;
        Ok(Self { context, scratch, reads: Reads::default(), limits })
    }

    /// An error as it is to be reported: a read that failed goes before what became of it.
    pub fn explain(&self, error: impl Into<Error>) -> Error {
        self.reads.take_failure().map_or_else(|| error.into(), Error::of_read)
    }

    /// Does `work` within the limits of memory and time. A panic within is its failure.
    pub async fn bounded<T>(&self, time: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
        let work = bounds::within(
            self.limits.memory_bytes,
            time,
            AssertUnwindSafe(work).catch_unwind().map(|done| {
                done.unwrap_or_else(|_| {
                    Err(Error::Query("the query engine broke off: see the message above".to_owned()))
                })
            }),
        );
        work.await.map_err(|error| self.explain(error))
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
        cut: &Cut<'_>,
    ) -> Result<()> {
        let hidden = format!("{}__{}", dataset.name, table.name);
        // `date=2026-11-19` is a date; other values of a path are text.
        let type_of = |column: &str| match (&table.partition, column) {
            (PartitionBy::Key(_), "date") => DataType::Date32,
            _ => DataType::Utf8,
        };
        let partition: Vec<(String, DataType)> =
            table.partition.columns().into_iter().map(|column| (column.to_owned(), type_of(column))).collect();
        let compared = compared(table, outputs);
        let outputs = read(table, outputs, cut, &compared);
        self.add_files(&lake.standard, &hidden, &partition, Some(table.schema()), &outputs).await?;
        if let Some(key) = cut.personal_key {
            personal::register(&self.context, key);
        }
        let sql = newest_rows(&hidden, table, cut, &compared);
        let view = self.context.sql(&sql).await?.into_view();
        self.register(name, view)
    }

    /// Registers a model's result as `name`, or its rows of some `days`; the columns of its path come last. Returns the columns
    /// that its files have.
    pub async fn add_model(
        &self,
        lake: &Lake,
        name: impl Into<TableReference>,
        model: &Model,
        outputs: &[Ranked<'_>],
        days: Option<&Range<NaiveDate>>,
    ) -> Result<Schema> {
        let name = name.into();
        let hidden = format!("{}__files", name.to_string().replace('.', "__"));
        let in_path = model.partition_columns();
        let partition: Vec<(String, DataType)> =
            in_path.iter().map(|column| (format!("{IN_PATH}{column}"), DataType::Utf8)).collect();
        self.add_files(&lake.consumption, &hidden, &partition, None, outputs).await?;
        let files = self.context.table(&hidden).await?;
        let is_of_files = |field: &&FieldRef| !field.name().starts_with(IN_PATH) && field.name() != RANK;
        let of_files: Vec<FieldRef> = files.schema().fields().iter().filter(is_of_files).cloned().collect();
        let own = of_files.iter().map(|field| field.name()).filter(|column| !in_path.contains(&column.as_str()));
        let mut shown: Vec<Expr> = own.map(ident).collect();
        for column in &in_path {
            // Files of version 0.1 have the value in their path only.
            let of_path = ident(format!("{IN_PATH}{column}"));
            let value = match files.schema().fields().iter().find(|field| field.name() == column) {
                Some(field) => coalesce(vec![ident(*column), cast(of_path, field.data_type().clone())]),
                None => of_path,
            };
            shown.push(value.alias(*column));
        }
        let files = match (model.cut_by(), days) {
            (Some(day), Some(days)) => {
                let date = |day: NaiveDate| lit(ScalarValue::Date32(Some(Date32Type::from_naive_date(day))));
                files.filter(ident(day).gt_eq(date(days.start)).and(ident(day).lt(date(days.end))))?
            }
            _ => files,
        };
        self.register(name, files.select(shown)?.into_view())?;
        Ok(Schema::new(of_files))
    }

    /// Registers committed rows of a model by its name, with the columns that it writes and no others.
    pub async fn add_committed(
        &self,
        lake: &Lake,
        model: &Model,
        columns: &Schema,
        outputs: &[Ranked<'_>],
    ) -> Result<()> {
        let hidden = format!("{}__committed", model.name);
        self.add_model(lake, hidden.as_str(), model, outputs, None).await?;
        let shown: Vec<Expr> = columns.fields().iter().map(|field| ident(field.name())).collect();
        let committed = self.context.table(&hidden).await?.select(shown)?.into_view();
        self.register(model.name.as_str(), committed)
    }

    /// Registers rows of a model that are not committed yet as `name`, by the columns of its files.
    pub async fn add_made(&self, name: &str, columns: &SchemaRef, files: Vec<File>) -> Result<()> {
        if files.is_empty() {
            self.context.register_batch(name, RecordBatch::new_empty(Arc::clone(columns)))?;
            return Ok(());
        }
        let hidden = format!("{name}__made");
        let files = CommittedFiles::of_files(&self.reads, &hidden, files)
            .map_err(|error| Error::Query(format!("a temporary file cannot be read: {error}")))?;
        let listed = files.metas().map(|meta| Listed { meta: meta.clone(), in_path: Vec::new(), rows: None }).collect();
        self.add_scan(&hidden, files, as_views(columns), &[], listed, Vec::new())?;
        let shown: Vec<Expr> = columns.fields().iter().map(|field| ident(field.name())).collect();
        let made = self.context.table(&hidden).await?.select(shown)?.into_view();
        self.register(name, made)
    }

    /// Registers a model of whose result no row is there, by its `columns`.
    pub fn add_empty_model(&self, name: impl Into<TableReference>, model: &Model, columns: &Schema) -> Result<()> {
        self.context.register_batch(name, RecordBatch::new_empty(Arc::new(seen(model, columns))))?;
        Ok(())
    }

    /// Registers what all models of a dataset see beside its tables: `settings`, the lists, and of a partition by time
    /// its `period` and the `calendar` of the days in reach.
    pub fn add_declared(
        &self,
        dataset: &Dataset,
        period: Option<Range<NaiveDate>>,
        reach: Option<Range<NaiveDate>>,
    ) -> Result<()> {
        for list in &dataset.lists {
            self.context.register_batch(&list.name, list.rows.clone())?;
        }
        let (Some(period), Some(reach)) = (period, reach) else { return Ok(()) };
        self.context.register_batch("calendar", calendar(dataset, &reach).map_err(DataFusionError::from)?)?;
        let day = |day: NaiveDate| Arc::new(Date32Array::from(vec![Date32Type::from_naive_date(day)])) as ArrayRef;
        let columns = [("first_day", day(period.start), false), ("next_day", day(period.end), false)];
        let period = RecordBatch::try_from_iter_with_nullable(columns).map_err(DataFusionError::from)?;
        self.context.register_batch("period", period)?;
        Ok(())
    }

    /// Registers a view, computed now if it is declared so.
    pub async fn add_view(&self, view: &View) -> Result<()> {
        let wrong = |error: DataFusionError| match Error::from(error) {
            Error::Exhausted(why) => Error::Exhausted(format!("{}.sql: {why}", view.name)),
            error => Error::Query(format!("{}.sql: {error}", view.name)),
        };
        let wrong_sql = |error: Error| Error::Query(format!("{}.sql: {error}", view.name));
        let plan = plan(&self.context, &view.sql, Kind::Model).await.map_err(wrong_sql)?;
        if !view.materialize {
            return self.register(view.name.as_str(), plan.into_view());
        }
        let path = self.scratch.path().join(format!("{}.parquet", view.name));
        let path = path.to_str().ok_or_else(|| Error::Query("the temporary folder's name is not UTF-8".to_owned()))?;
        // It is read once or twice, on this machine: what makes files small costs more than it saves.
        let plain = WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .build();
        let (schema, mut batches) = bounds::stream(plan).await.map_err(wrong)?;
        let write = async {
            let mut file = ArrowWriter::try_new(File::create(path)?, schema, Some(plain))?;
            while let Some(batch) = batches.next().await {
                file.write(&batch?)?;
            }
            file.close()?;
            Ok(())
        };
        write.await.map_err(wrong)?;
        self.context.register_parquet(view.name.as_str(), path, ParquetReadOptions::default()).await?;
        Ok(())
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
        in_path: &[(String, DataType)],
        schema: Option<SchemaRef>,
        outputs: &[Ranked<'_>],
    ) -> Result<()> {
        let mut outputs = outputs.to_vec();
        outputs.sort_by(|(rank, output), (other_rank, other)| {
            (rank, &output.partition).cmp(&(other_rank, &other.partition))
        });
        let files = CommittedFiles::of_objects(store, &self.reads, name, outputs.iter().map(|(_, output)| *output));
        let in_path_of = |rank: usize, output: &Output| -> Result<Vec<ScalarValue>> {
            let mut values = vec![ScalarValue::from(i64::try_from(rank).unwrap_or(i64::MAX))];
            for (column, kind) in in_path {
                let (name, is_model) =
                    column.strip_prefix(IN_PATH).map_or((column.as_str(), false), |name| (name, true));
                values.push(match output.partition.value(name) {
                    Some(value) if !(is_model && value == NULL) => ScalarValue::from(decoded(value)).cast_to(kind)?,
                    _ => ScalarValue::try_new_null(kind)?,
                });
            }
            Ok(values)
        };
        let listed = files.metas().zip(&outputs).map(|(meta, (rank, output))| {
            Ok(Listed { meta: meta.clone(), in_path: in_path_of(*rank, output)?, rows: Some(output.rows) })
        });
        let listed = listed.collect::<Result<Vec<_>>>()?;
        let mut columns = vec![(RANK.to_owned(), DataType::Int64)];
        columns.extend(in_path.iter().cloned());
        let schema = match schema {
            Some(schema) => schema,
            None => {
                let metas: Vec<_> = files.metas().cloned().collect();
                let state = self.context.state();
                let (format, store) = (ParquetFormat::default(), Arc::new(files.clone()) as _);
                match format.infer_schema(&state, &store, &metas).await {
                    Err(error) if are_unlike(&error) => {
                        let mut schemas = Vec::new();
                        for meta in &metas {
                            schemas.push(format.infer_schema(&state, &store, std::slice::from_ref(meta)).await?);
                        }
                        of_the_last(&schemas)
                    }
                    read => read?,
                }
            }
        };
        self.add_scan(name, files, as_views(&schema), &columns, listed, orders(&outputs))
    }

    fn add_scan(
        &self,
        name: &str,
        files: CommittedFiles,
        schema: SchemaRef,
        in_path: &[(String, DataType)],
        listed: Vec<Listed>,
        orders: Vec<Vec<SortExpr>>,
    ) -> Result<()> {
        let url = ObjectStoreUrl::parse(format!("lake://{}/", name.replace('_', "-")))?;
        self.context.register_object_store(url.as_ref(), Arc::new(files));
        self.register(name, Arc::new(Scan::new(name, url, schema, in_path, listed, orders)))
    }

    /// Runs a query and hands on its batches one by one; returns the result's schema.
    pub async fn run(
        &self,
        sql: &str,
        time: Option<Duration>,
        mut visit: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<SchemaRef> {
        let work = async {
            let query = plan(&self.context, sql, Kind::Question).await?;
            let logical = query.logical_plan().clone();
            let (schema, mut batches) =
                bounds::stream(query).await.map_err(|error| name_column(&logical, error.into()))?;
            while let Some(batch) = batches.next().await {
                visit(batch.map_err(|error| name_column(&logical, error.into()))?)?;
            }
            Ok::<_, Error>(schema)
        };
        self.bounded(time, work).await
    }
}

/// The orders that rows of a table come in: those of its object, if it is the only one.
fn orders(outputs: &[Ranked]) -> Vec<Vec<SortExpr>> {
    let [(_, output)] = outputs else { return Vec::new() };
    // There are no nulls that could come first or last.
    let order = |columns: &Vec<String>, nulls_first| {
        columns.iter().map(|column| ident(column).sort(true, nulls_first)).collect::<Vec<_>>()
    };
    output.orders.iter().flat_map(|columns| [order(columns, false), order(columns, true)]).collect()
}

/// A schema whose texts are views into what was read: they are copied once, when a result is written.
fn as_views(schema: &Schema) -> SchemaRef {
    let as_view = |field: &FieldRef| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(as_view).collect::<Vec<_>>()))
}

/// Each `day` and its `hours` (23, 24 or 25) in the dataset's time zone.
fn calendar(dataset: &Dataset, days: &Range<NaiveDate>) -> std::result::Result<RecordBatch, ArrowError> {
    let days: Vec<NaiveDate> = days.start.iter_days().take_while(|day| *day < days.end).collect();
    let hours = days.iter().map(|day| {
        let bounds = day_bounds(dataset.zone, *day);
        Some((bounds.end - bounds.start).num_hours())
    });
    let days: Date32Array = days.iter().map(|day| Some(Date32Type::from_naive_date(*day))).collect();
    let hours: Int64Array = hours.collect();
    let columns: [(&str, ArrayRef, bool); 2] = [("day", Arc::new(days), false), ("hours", Arc::new(hours), false)];
    RecordBatch::try_from_iter_with_nullable(columns)
}

/// The newest row of each key; on a tie the one of the greater raw key. Rows of a table that is cut by its raw keys are
/// compared within their partition.
fn newest_rows(files: &str, table: &Table, cut: &Cut<'_>, compared: &Compared) -> String {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let shown = |column: &Column| match cut.personal_key {
        Some(_) if column.personal => {
            format!("{}(\"{name}\") AS \"{name}\"", personal::function(column.kind), name = column.name)
        }
        _ => format!("\"{}\"", column.name),
    };
    let mut columns: Vec<String> = table.columns.iter().map(shown).collect();
    columns.push(RECEIVED_AT.to_owned());
    let partition = table.partition.columns();
    let hidden = |column: &str| table.columns.iter().any(|known| known.name == column);
    columns.extend(partition.iter().filter(|column| !hidden(column)).map(|column| format!("\"{column}\"")));
    let columns = columns.join(", ");
    let days = cut_of(table, cut);
    let within = |days: &Option<(&str, Range<NaiveDate>)>| match days {
        // To the last day: the one after it may be beyond what SQL writes as a date.
        Some((day, days)) => {
            let last = days.end.pred_opt().unwrap_or(days.end);
            format!("\"{day}\" >= DATE '{}' AND \"{day}\" <= DATE '{last}'", days.start)
        }
        None => "TRUE".to_owned(),
    };
    let only = match compared {
        Compared::Nothing => return format!("SELECT {columns} FROM \"{files}\" WHERE {}", within(&days)),
        Compared::Days(day, spans) => {
            Some(spans.iter().map(|span| within(&Some((day, span.clone())))).collect::<Vec<_>>().join(" OR "))
        }
        Compared::Times(time, spans) => {
            let instant = |micros: &i64| format!("arrow_cast({micros}, 'Timestamp(Microsecond, Some(\"UTC\"))')");
            let within = |(first, last): &(i64, i64)| {
                format!("\"{time}\" >= {} AND \"{time}\" <= {}", instant(first), instant(last))
            };
            Some(spans.iter().map(within).collect::<Vec<_>>().join(" OR "))
        }
        Compared::All => None,
    };
    let rest = only.as_ref().map_or_else(String::new, |only| {
        format!("SELECT {columns} FROM \"{files}\" WHERE {} AND NOT ({only}) UNION ALL ", within(&days))
    });
    let only = only.unwrap_or_else(|| "TRUE".to_owned());
    // Rows are compared before they are cut: a newer one may be of a day beyond.
    let reach = match (&days, table.keeps_day()) {
        (days, true) => days.clone(),
        (Some((day, days)), false) if matches!(table.partition, PartitionBy::Time(..)) => {
            Some((*day, widened(days, SLACK, SLACK)))
        }
        _ => None,
    };
    format!(
        "{rest}SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY received_at DESC, \
         {RANK} DESC) AS _age FROM \"{files}\" WHERE {} AND ({only})) WHERE _age = 1 AND {}",
        quoted(&table.compared_by()),
        within(&reach),
        within(&days)
    )
}

/// The column and the days by which a table's rows are cut.
fn cut_of<'a>(table: &'a Table, cut: &Cut<'a>) -> Option<(&'a str, Range<NaiveDate>)> {
    let days = cut.days.clone()?;
    match (&table.partition, cut.by) {
        (PartitionBy::Time(_, day), _) => Some((day, days)),
        (_, Some(by)) if table.column(by).is_some_and(|column| column.kind == ColumnType::Date) => Some((by, days)),
        _ => None,
    }
}

/// The objects that are read: where none is compared with another, those that have rows of the days that are seen.
fn read<'a>(table: &Table, outputs: &[Ranked<'a>], cut: &Cut<'_>, compared: &Compared) -> Vec<Ranked<'a>> {
    let days = cut.days.as_ref().filter(|_| matches!(table.partition, PartitionBy::Time(..)));
    let Some(days) = days.filter(|_| *compared == Compared::Nothing) else { return outputs.to_vec() };
    let is_seen = |output: &Output| {
        days_of(&output.partition, output.days).is_none_or(|own| own.start < days.end && days.start < own.end)
    };
    outputs.iter().filter(|(_, output)| is_seen(output)).copied().collect()
}

/// Which rows of a table are to be compared by their keys.
#[derive(Debug, PartialEq, Eq)]
enum Compared<'a> {
    Nothing,
    /// Those of these days, by the column; the spans are apart, and in order.
    Days(&'a str, Vec<Range<NaiveDate>>),
    /// Those of these times, both ends included, by the column.
    Times(&'a str, Vec<(i64, i64)>),
    All,
}

/// The most pairs of objects that are looked at for days that they share.
const MOST_PAIRS: usize = 10_000;
/// The most spans that one query names.
const MOST_SPANS: usize = 32;

/// Which rows two objects could hold with the same key.
fn compared<'a>(table: &'a Table, outputs: &[Ranked]) -> Compared<'a> {
    if !needs_comparing(table, outputs) {
        return Compared::Nothing;
    }
    // Rows of one key have the same time: it is in the spans of both objects.
    let times: Option<Vec<(usize, (i64, i64))>> =
        outputs.iter().map(|(rank, output)| Some((*rank, output.times?))).collect();
    if let (Some(time), Some(times)) = (table.key_time(), times) {
        let spans = times.into_iter().map(|(rank, (first, last))| (rank, first..last.saturating_add(1))).collect();
        return match shared(spans) {
            Some(spans) if spans.is_empty() => Compared::Nothing,
            Some(spans) => {
                Compared::Times(time, spans.into_iter().map(|span| (span.start, span.end.saturating_sub(1))).collect())
            }
            None => Compared::All,
        };
    }
    // Rows of one key are at most so many days apart as the spans are widened: they are in the spans of both objects.
    let days: Option<Vec<(usize, Range<NaiveDate>)>> = outputs
        .iter()
        .map(|(rank, output)| output.days.map(|(first, last)| (*rank, widened(&(first..last), SLACK, SLACK + 1))))
        .collect();
    match (&table.partition, days) {
        (PartitionBy::Time(_, day), Some(spans)) if !table.keeps_day() && table.spread() == Spread::NearDays => {
            match shared(spans) {
                Some(spans) if spans.is_empty() => Compared::Nothing,
                Some(spans) => Compared::Days(day, spans),
                None => Compared::All,
            }
        }
        _ => Compared::All,
    }
}

/// Where spans of different ranks overlap: apart, and in order. Nothing if they are too many to name.
fn shared<T: Ord + Copy>(mut spans: Vec<(usize, Range<T>)>) -> Option<Vec<Range<T>>> {
    spans.sort_by_key(|(_, span)| span.start);
    let mut shared: Vec<Range<T>> = Vec::new();
    for (at, (rank, span)) in spans.iter().enumerate() {
        let others = spans.iter().skip(at + 1).take_while(|(_, other)| other.start < span.end);
        shared.extend(others.filter(|(other, _)| other != rank).map(|(_, other)| other.start..span.end.min(other.end)));
        if shared.len() > MOST_PAIRS {
            return None;
        }
    }
    shared.sort_by_key(|span| span.start);
    let mut apart: Vec<Range<T>> = Vec::new();
    for span in shared {
        match apart.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    (apart.len() <= MOST_SPANS).then_some(apart)
}

/// Whether two objects could hold the same key: cleaning has seen to it within what one raw object became.
fn needs_comparing(table: &Table, outputs: &[Ranked]) -> bool {
    let mut sources = outputs.iter().map(|(rank, _)| rank);
    let first = sources.next();
    if table.key.is_empty() || sources.all(|rank| Some(rank) == first) {
        return false;
    }
    if !matches!(table.partition, PartitionBy::Time(..)) || table.keeps_day() {
        let mut sorted: Vec<&Output> = outputs.iter().map(|(_, output)| *output).collect();
        sorted.sort_by(|a, b| (&a.partition, a.days).cmp(&(&b.partition, b.days)));
        return sorted.windows(2).any(|pair| {
            let [a, b] = pair else { return false };
            let apart = matches!((a.days, b.days), (Some((_, last)), Some((first, _))) if last < first);
            a.partition == b.partition && !(table.keeps_day() && apart)
        });
    }
    outputs.len() > 1
}

#[cfg(test)]
mod tests {
    use lake::dataset::Catalog;
    use lake::partition::Partition;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn only_days_that_objects_share_are_compared() {
        let catalog = Catalog::built_in();
        let table = catalog.dataset("energy_usage").unwrap().table("reading").unwrap();
        let output = |first: &str, last: &str| Output {
            key: String::new(),
            partition: Partition::whole(),
            rows: 1,
            bytes: 1,
            etag: String::new(),
            hash: String::new(),
            days: Some((day(first), day(last))),
            times: None,
            orders: Vec::new(),
        };
        let [january, february, march, all] = [
            output("2026-01-01", "2026-01-31"),
            output("2026-02-01", "2026-02-28"),
            output("2026-03-10", "2026-03-31"),
            output("2026-01-01", "2026-03-31"),
        ];
        let spans =
            |spans: &[(&str, &str)]| Compared::Days("day", spans.iter().map(|(from, to)| day(from)..day(to)).collect());
        assert_eq!(
            compared(table, &[(1, &january), (2, &february), (3, &march)]),
            spans(&[("2026-01-30", "2026-02-03")])
        );
        assert_eq!(compared(table, &[(1, &january), (1, &february)]), Compared::Nothing, "of one raw object");
        assert_eq!(compared(table, &[(1, &january), (2, &march)]), Compared::Nothing);
        assert_eq!(
            compared(table, &[(1, &january), (1, &march), (2, &all)]),
            spans(&[("2025-12-30", "2026-02-03"), ("2026-03-08", "2026-04-03")])
        );
        let february_alone = Cut { days: Some(day("2026-02-01")..day("2026-03-01")), ..Cut::default() };
        let seen = |compared: &Compared| {
            read(table, &[(1, &january), (1, &february), (1, &all)], &february_alone, compared).len()
        };
        assert_eq!((seen(&Compared::Nothing), seen(&Compared::All)), (2, 3));
        let timed = |output: &Output, first, last| Output { times: Some((first, last)), ..output.clone() };
        let [one, two, three] = [timed(&january, 0, 9), timed(&february, 9, 20), timed(&february, 10, 20)];
        assert_eq!(compared(table, &[(1, &one), (2, &three)]), Compared::Nothing);
        assert_eq!(compared(table, &[(1, &one), (2, &two)]), Compared::Times("start_time", vec![(9, 9)]));
        assert_eq!(
            compared(table, &[(1, &one), (2, &february)]),
            spans(&[("2026-01-30", "2026-02-03")]),
            "an object without times"
        );
    }
}
