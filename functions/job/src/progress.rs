//! Progress and logs on stderr: bars on a terminal, plain lines elsewhere; in jobs of AWS Batch JSON lines on stdout.

use std::io::{self, IsTerminal, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lake::progress::Progress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::{Arguments, Format};
use crate::on_batch;
use crate::output::grouped;

/// Between two plain lines of one step.
const LINE_PAUSE: Duration = Duration::from_secs(10);

static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Sends logs to stderr: warnings by default, more with -v, errors alone with -q. JSON where results are JSON. A job of AWS
/// Batch logs as the functions do.
pub fn start_logging(arguments: &Arguments) {
    if on_batch::is_job() {
        return lake::telemetry::start_logs();
    }
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => "error",
        // What the SDK could not find is an error of ours, in fewer words.
        (false, 0) => "warn,aws_config=error",
        (false, 1) => "warn,lake=info,ingest=info,clean=info,aggregate=info,job=info",
        (false, _) => "info,lake=debug,ingest=debug,clean=debug,aggregate=debug,job=debug",
    };
    let logs = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(level)).with_writer(AboveBars);
    match arguments.output {
        Format::Json => logs.json().init(),
        Format::Text | Format::Csv => logs.with_target(false).with_ansi(io::stderr().is_terminal()).compact().init(),
    }
}

/// Writes log lines above the bars, so that neither breaks the other.
struct AboveBars;

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        BARS.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for AboveBars {
    type Writer = AboveBars;

    fn make_writer(&self) -> Self::Writer {
        AboveBars
    }
}

/// Says a plain line.
fn say(line: &str) {
    if on_batch::is_job() {
        tracing::info!(progress = line, "at work");
    } else {
        eprintln!("{line}");
    }
}

/// The progress of the steps of one command.
pub struct Steps {
    kind: Kind,
    step: Mutex<Option<Step>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Quiet,
    Lines,
    Bars,
}

struct Step {
    name: String,
    total: u64,
    done: u64,
    begun: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Steps {
    /// Progress for a command: none with -q.
    pub fn new(arguments: &Arguments) -> Self {
        let kind = match (arguments.quiet, io::stderr().is_terminal()) {
            (true, _) => Kind::Quiet,
            (false, true) => Kind::Bars,
            (false, false) => Kind::Lines,
        };
        Self { kind, step: Mutex::new(None) }
    }

    fn step(&self) -> MutexGuard<'_, Option<Step>> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Steps {
    fn begin(&self, step: &str, total: u64) {
        if self.kind == Kind::Quiet || total == 0 {
            return;
        }
        let bar = (self.kind == Kind::Bars).then(|| {
            let style = ProgressStyle::with_template("{prefix:20} {bar:30} {pos}/{len} {elapsed} {wide_msg:.dim}");
            let bar = BARS.add(ProgressBar::new(total));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(step.to_owned());
            bar
        });
        let now = Instant::now();
        *self.step() = Some(Step { name: step.to_owned(), total, done: 0, begun: now, told: now, bar });
    }

    fn advance(&self, what: &str) {
        let mut step = self.step();
        let Some(step) = step.as_mut() else { return };
        step.done += 1;
        if let Some(bar) = &step.bar {
            bar.inc(1);
            bar.set_message(what.to_owned());
        } else if step.told.elapsed() >= LINE_PAUSE {
            step.told = Instant::now();
            say(&format!("{}: {} of {}", step.name, grouped(step.done), grouped(step.total)));
        }
    }

    fn end(&self) {
        let Some(step) = self.step().take() else { return };
        match step.bar {
            Some(bar) => bar.finish_and_clear(),
            None => {
                let seconds = step.begun.elapsed().as_secs_f64();
                say(&format!("{}: {} done in {seconds:.1} s", step.name, grouped(step.done)));
            }
        }
    }
}
