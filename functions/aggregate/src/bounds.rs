//! What a query may take: time, memory, and the size of what one call of a function makes.
//!
//! Sorts, joins and groups ask the memory pool before they grow. Other parts of a query do not: the process's memory is
//! looked at while it runs, and functions that make much of little are bounded by what they would make.

use std::future::Future;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use datafusion::arrow::compute::kernels::length::length;
use datafusion::arrow::compute::{cast, concat};
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::Transformed;
use datafusion::dataframe::DataFrame;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::FunctionRegistry;
use datafusion::functions_aggregate::count::count_all;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionContext;
use futures::{Stream, StreamExt};

use crate::error::{Error, Result};
use crate::once;

/// How often the process's memory is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// What one call of a function may make for one batch of rows, in bytes.
const MAX_RESULT: i64 = 64 * 1024 * 1024;

/// Does `work` unless it takes longer than `time` (if that is limited) or more memory than `bytes` beyond what the
/// process had before its first query.
pub async fn within<T>(bytes: u64, time: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
    static BEFORE: OnceLock<u64> = OnceLock::new();
    let before = *BEFORE.get_or_init(|| resident().unwrap_or_default());
    // A thread of its own: the runtime's timers stand still while its threads are all at work.
    let (going, gone) = std::sync::mpsc::channel::<()>();
    let (end, ended) = tokio::sync::oneshot::channel();
    let begun = Instant::now();
    let watch = move || loop {
        if resident().is_some_and(|now| now.saturating_sub(before) > bytes) {
            let _ = end.send(End::Grown);
            return;
        }
        if time.is_some_and(|time| begun.elapsed() >= time) {
            let _ = end.send(End::Late);
            return;
        }
        if gone.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    };
    let watching = std::thread::Builder::new().name("limits".to_owned()).spawn(watch);
    watching.map_err(|error| Error::Query(format!("failed to start a thread: {error}")))?;
    let done = tokio::select! {
        biased;
        Ok(end) = ended => match end {
            End::Grown => Err(Error::Query(format!(
                "the query was ended: it took more memory than the {} MB that queries may hold; ask for less at once, or set MEMORY_BYTES",
                bytes / 1_000_000
            ))),
            End::Late => {
                let seconds = time.unwrap_or_default().as_secs();
                let seconds = if seconds == 1 { "1 second".to_owned() } else { format!("{seconds} seconds") };
                Err(Error::Query(format!("the query was ended after {seconds}, the time that it may take")))
            }
        },
        done = work => done,
    };
    drop(going);
    done
}

/// Why a query is ended.
enum End {
    /// It holds too much.
    Grown,
    /// It takes too long.
    Late,
}

/// Does a part of a query in a task of its own: planning works out constants, and some operators go on for as long as
/// they have rows, without a pause in which anything else of their task could end them. A panic there is an error.
pub async fn apart<T: Send + 'static>(part: impl Future<Output = EngineResult<T>> + Send + 'static) -> EngineResult<T> {
    SpawnedTask::spawn(part).join().await.unwrap_or_else(|_| Err(broken_off()))
}

/// Plans a query apart, and hands on its batches one by one while it runs apart.
pub async fn stream(
    query: DataFrame,
) -> EngineResult<(SchemaRef, impl Stream<Item = EngineResult<RecordBatch>> + Unpin)> {
    let run = async { once::planned(query).await.and_then(|(plan, context)| execute_stream(plan, context)) };
    let mut batches = apart(run).await?;
    let schema = batches.schema();
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    let task = SpawnedTask::spawn(async move {
        while let Some(batch) = batches.next().await {
            if sender.send(batch).await.is_err() {
                return;
            }
        }
    });
    // The task ends with the stream, and its failure is looked at when the channel is empty.
    let batches = futures::stream::unfold((receiver, Some(task)), |(mut receiver, mut task)| async move {
        if let Some(batch) = receiver.recv().await {
            return Some((batch, (receiver, task)));
        }
        match task.take()?.join().await {
            Ok(()) => None,
            Err(_) => Some((Err(broken_off()), (receiver, None))),
        }
    });
    Ok((schema, Box::pin(batches)))
}

/// Plans a query apart, and runs it there.
pub async fn collect(query: DataFrame) -> EngineResult<Vec<RecordBatch>> {
    apart(once::collect(query)).await
}

/// How many rows a query gives.
pub async fn count(query: DataFrame) -> EngineResult<u64> {
    let counted = collect(query.aggregate(Vec::new(), vec![count_all()])?).await?;
    let values = counted.iter().flat_map(|batch| batch.columns().iter().filter_map(|column| column.as_primitive_opt()));
    let count = values.flat_map(|column: &Int64Array| column.iter().flatten()).next();
    // None would be taken for a test that holds.
    let none = || DataFusionError::Internal("a query was not counted".to_owned());
    count.and_then(|count| u64::try_from(count).ok()).ok_or_else(none)
}

fn broken_off() -> DataFusionError {
    DataFusionError::Plan("the query engine broke off: see the message above".to_owned())
}

/// The process's resident memory, where the system says it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Replaces functions that make much of little by bounded ones.
pub fn bound_functions(context: &SessionContext) -> EngineResult<()> {
    let text = ["repeat", "lpad", "rpad", "replace", "regexp_replace", "concat", "concat_ws", "overlay", "translate"];
    // What they make is as large as what they take; of a text that many rows share it is many times that.
    let copies = ["upper", "lower", "initcap", "reverse"];
    let lists = ["range", "generate_series", "array_repeat", "array_resize", "array_to_string"];
    for name in text.into_iter().chain(copies).chain(lists) {
        let known = context.state().scalar_functions().get(name).cloned();
        if let Some(inner) = known {
            context.register_udf(ScalarUDF::from(Bounded { inner }));
        }
    }
    context.state_ref().write().register_function_rewrite(Arc::new(OfSyntax))
}

/// Functions that have a syntax of their own (`OVERLAY(... PLACING ...)`) are not looked up by their names.
#[derive(Debug)]
struct OfSyntax;

impl FunctionRewrite for OfSyntax {
    fn name(&self) -> &str {
        "bounded"
    }

    fn rewrite(&self, expr: Expr, _: &DFSchema, _: &ConfigOptions) -> EngineResult<Transformed<Expr>> {
        match expr {
            Expr::ScalarFunction(mut call)
                if call.func.name() == "overlay" && call.func.inner().downcast_ref::<Bounded>().is_none() =>
            {
                call.func = Arc::new(ScalarUDF::from(Bounded { inner: call.func }));
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            expr => Ok(Transformed::no(expr)),
        }
    }
}

/// A function with a limit on what one call makes.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> EngineResult<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> EngineResult<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> EngineResult<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let sizes = Sizes::new(self.name(), &args)?;
        if sizes.sum() <= MAX_RESULT {
            return self.inner.invoke_with_args(args);
        }
        // What a text becomes is not known before, only what it may become at most: few rows at once.
        if sizes.are_limits {
            return self.invoke_by_slices(args, &sizes);
        }
        Err(self.too_much(sizes.sum()))
    }
}

impl Bounded {
    fn too_much(&self, bytes: i64) -> DataFusionError {
        DataFusionError::Plan(format!(
            "{} would make {} MB in one go, and {} MB are the most",
            self.name(),
            bytes / 1_000_000,
            MAX_RESULT / 1_000_000
        ))
    }

    /// Calls the function for as many rows at once as may make [`MAX_RESULT`] together.
    fn invoke_by_slices(&self, args: ScalarFunctionArgs, sizes: &Sizes) -> EngineResult<ColumnarValue> {
        let mut made: Vec<ArrayRef> = Vec::new();
        let (mut first, mut bytes) = (0, 0_i64);
        for (row, size) in sizes.rows.iter().enumerate() {
            if *size > MAX_RESULT {
                return Err(self.too_much(*size));
            }
            if bytes.saturating_add(*size) > MAX_RESULT {
                made.push(self.invoke_rows(&args, first, row - first)?);
                (first, bytes) = (row, 0);
            }
            bytes = bytes.saturating_add(*size);
        }
        made.push(self.invoke_rows(&args, first, sizes.rows.len() - first)?);
        let made: Vec<&dyn Array> = made.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&made)?))
    }

    fn invoke_rows(&self, args: &ScalarFunctionArgs, first: usize, count: usize) -> EngineResult<ArrayRef> {
        let cut = |value: &ColumnarValue| match value {
            ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(first, count)),
            ColumnarValue::Scalar(_) => value.clone(),
        };
        let args = ScalarFunctionArgs {
            args: args.args.iter().map(cut).collect(),
            arg_fields: args.arg_fields.clone(),
            number_rows: count,
            return_field: Arc::clone(&args.return_field),
            config_options: Arc::clone(&args.config_options),
        };
        self.inner.invoke_with_args(args)?.into_array(count)
    }
}
/// About how many bytes a call makes.
struct Sizes {
    /// Of each row; of all in one, where there is but one value.
    rows: Vec<i64>,
    /// Whether these are upper limits, of which mostly a small part is reached.
    are_limits: bool,
}

impl Sizes {
    fn new(name: &str, args: &ScalarFunctionArgs) -> EngineResult<Self> {
        let rows =
            if args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_))) { 1 } else { args.number_rows };
        let number = |at: usize| match args.args.get(at) {
            Some(value) => Numbers::new(value, |array| cast(array, &DataType::Int64)).map(Some),
            None => Ok(None),
        };
        let bytes = |at: usize| match args.args.get(at) {
            Some(value) if is_text(&value.data_type()) => {
                Numbers::new(value, |array| cast(length(array)?.as_ref(), &DataType::Int64)).map(Some)
            }
            // A number or a time as text.
            Some(_) => Ok(Some(Numbers::one(32))),
            None => Ok(None),
        };
        let at = |numbers: &Option<Numbers>, row| numbers.as_ref().and_then(|numbers| numbers.at(row)).unwrap_or(0);
        let (are_limits, of_row): (bool, Box<dyn Fn(usize) -> i64>) = match name {
            "repeat" | "lpad" | "rpad" => {
                let (times, each) = (number(1)?, bytes(if name == "repeat" { 0 } else { 2 })?);
                (false, Box::new(move |row| at(&times, row).max(0).saturating_mul(at(&each, row).max(1))))
            }
            "array_repeat" => {
                let (times, each) = (number(1)?, bytes(0)?);
                let held = args.args.first().map_or(Ok(0), held)?;
                let each = move |row| at(&each, row).max(held).max(16);
                (false, Box::new(move |row| at(&times, row).max(0).saturating_mul(each(row))))
            }
            "array_resize" => {
                let times = number(1)?;
                (false, Box::new(move |row| at(&times, row).max(0).saturating_mul(16)))
            }
            "array_to_string" => {
                let list = args.args.first();
                let each = list.map(|list| Numbers::new(list, |array| cast(length(array)?.as_ref(), &DataType::Int64)));
                let (each, between) = (each.transpose()?, bytes(1)?);
                let held = list.map_or(Ok(0), held)?;
                let most = move |row| at(&each, row).saturating_mul(at(&between, row).max(1)).saturating_add(held);
                (true, Box::new(most))
            }
            "replace" => {
                let (text, from, to) = (bytes(0)?, bytes(1)?, bytes(2)?);
                let most = move |row| {
                    let text = at(&text, row);
                    text.saturating_add((text / at(&from, row).max(1)).saturating_mul(at(&to, row)))
                };
                (true, Box::new(most))
            }
            "regexp_replace" => {
                // Between any two characters there may be a match, and a group of it may be most of the text.
                let (text, to) = (bytes(0)?, bytes(2)?);
                let most = move |row| {
                    let (text, to) = (at(&text, row), at(&to, row));
                    text.saturating_add(text.saturating_add(1).saturating_mul(to))
                        .saturating_add(text.saturating_mul(to / 2))
                };
                (true, Box::new(most))
            }
            "concat" | "concat_ws" | "overlay" | "translate" | "upper" | "lower" | "initcap" | "reverse" => {
                let parts = (0..args.args.len()).map(bytes).collect::<EngineResult<Vec<_>>>()?;
                (true, Box::new(move |row| parts.iter().fold(0, |sum: i64, part| sum.saturating_add(at(part, row)))))
            }
            // Series of times have steps of their own kind, and days at least.
            _ if args.args.iter().any(|value| !value.data_type().is_integer()) => (false, Box::new(|_| 0)),
            _ => {
                let (first, second, step) = (number(0)?, number(1)?, number(2)?);
                let many = move |row| {
                    let (from, to) =
                        if second.is_some() { (at(&first, row), at(&second, row)) } else { (0, at(&first, row)) };
                    let step = if step.is_some() { at(&step, row).unsigned_abs().max(1) } else { 1 };
                    i64::try_from(from.abs_diff(to) / step).unwrap_or(i64::MAX).saturating_mul(8)
                };
                (false, Box::new(many))
            }
        };
        Ok(Self { rows: (0..rows).map(of_row).collect(), are_limits })
    }

    fn sum(&self) -> i64 {
        self.rows.iter().fold(0, |sum: i64, row| sum.saturating_add(*row))
    }
}

/// How many bytes one row of a list or struct holds, about; 0 for other values.
fn held(value: &ColumnarValue) -> EngineResult<i64> {
    if !value.data_type().is_nested() {
        return Ok(0);
    }
    let array = match value {
        ColumnarValue::Array(array) => Arc::clone(array),
        ColumnarValue::Scalar(scalar) => scalar.to_array()?,
    };
    Ok(i64::try_from(array.get_array_memory_size() / array.len().max(1)).unwrap_or(i64::MAX))
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Binary | DataType::LargeBinary)
}

/// One number per row, or one for all.
struct Numbers {
    values: Int64Array,
    is_one: bool,
}

impl Numbers {
    fn new(
        value: &ColumnarValue,
        of: impl Fn(&dyn Array) -> Result<ArrayRef, datafusion::arrow::error::ArrowError>,
    ) -> EngineResult<Self> {
        let (array, is_one) = match value {
            ColumnarValue::Array(array) => (Arc::clone(array), false),
            ColumnarValue::Scalar(scalar) => (scalar.to_array()?, true),
        };
        let values = of(array.as_ref())?;
        Ok(Self { values: values.as_primitive::<Int64Type>().clone(), is_one })
    }

    fn one(value: i64) -> Self {
        Self { values: Int64Array::from(vec![value]), is_one: true }
    }

    fn at(&self, row: usize) -> Option<i64> {
        let row = if self.is_one { 0 } else { row };
        (row < self.values.len() && self.values.is_valid(row)).then(|| self.values.value(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn functions_that_make_much_of_little_are_bounded() {
        let context = SessionContext::new();
        bound_functions(&context).unwrap();
        let rows = "(VALUES ('ab', 3), ('c', 900000000)) t(s, n)";
        for (sql, fine) in [
            ("SELECT repeat('x', 3)".to_owned(), true),
            ("SELECT repeat('x', 2000000000)".to_owned(), false),
            (format!("SELECT repeat(s, n) FROM {rows} WHERE n < 10"), true),
            (format!("SELECT repeat(s, n) FROM {rows}"), false),
            ("SELECT lpad('x', 5, '-')".to_owned(), true),
            ("SELECT rpad('x', 2000000000, 'ab')".to_owned(), false),
            ("SELECT range(0, 10)".to_owned(), true),
            ("SELECT range(0, 1000000000000)".to_owned(), false),
            ("SELECT array_repeat(1, 1000000000)".to_owned(), false),
            ("SELECT array_repeat('ab', 3)".to_owned(), true),
            ("SELECT array_repeat(repeat('x', 1000000), 1000)".to_owned(), false),
            ("SELECT flatten(array_repeat(array_repeat(array_repeat(1, 1000), 1000), 1000))".to_owned(), false),
            ("SELECT array_to_string([1, 2], ', ')".to_owned(), true),
            ("SELECT array_to_string(array_repeat('x', 100000), repeat('y', 1000))".to_owned(), false),
            ("SELECT replace('banana', 'an', 'AN')".to_owned(), true),
            ("SELECT replace(repeat('a', 8000000), 'a', repeat('b', 150))".to_owned(), false),
            ("SELECT regexp_replace('banana', '(an)', '<\\1>', 'g')".to_owned(), true),
            ("SELECT regexp_replace(repeat('a', 4000000), 'a', repeat('b', 300), 'g')".to_owned(), false),
            ("SELECT concat('a', 1, NULL, 'b')".to_owned(), true),
            (format!("SELECT concat({})", ["repeat('a', 60000000)"; 3].join(", ")), false),
            ("SELECT overlay('banana' placing 'AN' from 2), upper('a'), reverse('ab')".to_owned(), true),
            ("SELECT overlay(repeat('z', 60000000) placing repeat('y', 60000000) from 1)".to_owned(), false),
            ("SELECT max(length(overlay(s placing 'y' from 1))) FROM (SELECT repeat('ab', 60000) AS s), range(0, 2000)".to_owned(), true),
        ] {
            let done = async { context.sql(&sql).await?.collect().await }.await;
            assert_eq!(done.is_ok(), fine, "{sql}: {done:?}");
            if let Err(error) = done {
                assert!(error.to_string().contains("are the most"), "{sql}: {error}");
            }
        }
    }

    #[tokio::test]
    async fn many_rows_that_might_become_much_are_done_few_at_a_time() {
        let context = SessionContext::new();
        bound_functions(&context).unwrap();
        let sql = "SELECT sum(length(regexp_replace(repeat('ab', 500), 'b', 'cdefghijklmnop', 'g'))) AS bytes \
                   FROM range(0, 8192)";
        let text =
            arrow::util::pretty::pretty_format_batches(&context.sql(sql).await.unwrap().collect().await.unwrap());
        // 500 times `a` and 14 more letters.
        assert!(text.unwrap().to_string().contains(&(8192 * 500 * 15).to_string()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn constants_are_worked_out_within_the_limits_of_time() {
        let context = SessionContext::new();
        bound_functions(&context).unwrap();
        let terms = vec!["length(repeat('z', 5000000) || repeat('y', 5000000))"; 20].join(" + ");
        let query = context.sql(&format!("SELECT {terms}")).await.unwrap();
        let work = async { Ok(collect(query).await?) };
        let ended = within(u64::MAX, Some(Duration::from_millis(1)), work).await.unwrap_err().to_string();
        assert!(ended.contains("the time that it may take"), "{ended}");
    }

    #[tokio::test]
    async fn time_and_memory_end_a_query_with_a_message() {
        let endless = || std::future::pending::<Result<()>>();
        let late = within(u64::MAX, Some(Duration::ZERO), endless()).await.unwrap_err().to_string();
        assert!(late.contains("ended after 0 seconds"), "{late}");
        within(u64::MAX, None, async { Ok(()) }).await.unwrap();
        let held = vec![1_u8; 32 * 1024 * 1024];
        let large = within(1, None, endless()).await.unwrap_err().to_string();
        assert!(large.contains("MEMORY_BYTES") && held.len() > 1, "{large}");
    }
}
