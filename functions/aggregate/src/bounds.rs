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
use datafusion::arrow::compute::cast;
use datafusion::arrow::compute::kernels::length::length;
use datafusion::arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::prelude::SessionContext;
use futures::{Stream, StreamExt};

use crate::error::{Error, Result};

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
            End::Late => Err(Error::Query(format!(
                "the query was ended after {} seconds, the time that it may take",
                time.unwrap_or_default().as_secs()
            ))),
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

/// Runs a query in a task of its own: some operators go on for as long as they have rows, without a pause in which
/// anything else of their task could end them. A panic there is the stream's last error.
pub fn apart(mut batches: SendableRecordBatchStream) -> impl Stream<Item = EngineResult<RecordBatch>> + Unpin {
    let (sender, receiver) = tokio::sync::mpsc::channel(2);
    let task = SpawnedTask::spawn(async move {
        while let Some(batch) = batches.next().await {
            if sender.send(batch).await.is_err() {
                return;
            }
        }
    });
    // The task ends with the stream, and its failure is looked at when the channel is empty.
    Box::pin(futures::stream::unfold((receiver, Some(task)), |(mut receiver, mut task)| async move {
        if let Some(batch) = receiver.recv().await {
            return Some((batch, (receiver, task)));
        }
        match task.take()?.join().await {
            Ok(()) => None,
            Err(_) => {
                let broken = DataFusionError::Plan("the query engine broke off: see the message above".to_owned());
                Some((Err(broken), (receiver, None)))
            }
        }
    }))
}

/// The process's resident memory, where the system says it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Replaces functions that make much of little by bounded ones.
pub fn bound_functions(context: &SessionContext) {
    let text = ["repeat", "lpad", "rpad"];
    for name in text.into_iter().chain(["range", "generate_series", "array_repeat", "array_resize"]) {
        let known = context.state().scalar_functions().get(name).cloned();
        if let Some(inner) = known {
            context.register_udf(ScalarUDF::from(Bounded { inner }));
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
        let bytes = size(self.name(), &args)?;
        if bytes > MAX_RESULT {
            let why = format!(
                "{} would make {} MB in one go, and {} MB are the most",
                self.name(),
                bytes / 1_000_000,
                MAX_RESULT / 1_000_000
            );
            return Err(DataFusionError::Plan(why));
        }
        self.inner.invoke_with_args(args)
    }
}

/// About how many bytes a call makes.
fn size(name: &str, args: &ScalarFunctionArgs) -> EngineResult<i64> {
    let rows =
        if args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_))) { 1 } else { args.number_rows };
    let number = |at: usize| match args.args.get(at) {
        Some(value) => Numbers::new(value, |array| cast(array, &DataType::Int64)).map(Some),
        None => Ok(None),
    };
    let bytes = |at: usize| match args.args.get(at) {
        Some(value) => Numbers::new(value, |array| cast(length(array)?.as_ref(), &DataType::Int64)).map(Some),
        None => Ok(None),
    };
    // How many times what is made for a row.
    let (times, each): (Vec<Option<Numbers>>, Option<Numbers>) = match name {
        "repeat" => (vec![number(1)?], bytes(0)?),
        "lpad" | "rpad" => (vec![number(1)?], bytes(2)?),
        "array_repeat" | "array_resize" => (vec![number(1)?], None),
        // Series of times have steps of their own kind, and days at least.
        _ if args.args.iter().any(|value| !value.data_type().is_integer()) => return Ok(0),
        _ => (vec![number(0)?, number(1)?, number(2)?], None),
    };
    let at = |numbers: &Option<Numbers>, row| numbers.as_ref().and_then(|numbers| numbers.at(row));
    let mut sum = 0_i64;
    for row in 0..rows {
        let made = match times.as_slice() {
            [count] => {
                let each = if each.is_some() { at(&each, row).unwrap_or(0).max(1) } else { 16 };
                at(count, row).unwrap_or(0).max(0).saturating_mul(each)
            }
            [first, second, step] => {
                let (from, to) = match (at(first, row), at(second, row)) {
                    (Some(from), Some(to)) => (from, to),
                    (Some(to), None) => (0, to),
                    _ => continue,
                };
                let step = at(step, row).unwrap_or(1).unsigned_abs().max(1);
                i64::try_from(from.abs_diff(to) / step).unwrap_or(i64::MAX).saturating_mul(8)
            }
            _ => 0,
        };
        sum = sum.saturating_add(made);
    }
    Ok(sum)
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
        bound_functions(&context);
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
        ] {
            let done = async { context.sql(&sql).await?.collect().await }.await;
            assert_eq!(done.is_ok(), fine, "{sql}: {done:?}");
            if let Err(error) = done {
                assert!(error.to_string().contains("are the most"), "{sql}: {error}");
            }
        }
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
