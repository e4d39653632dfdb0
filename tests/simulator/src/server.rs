//! The server itself, and what a test can do with it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use chrono::NaiveDate;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::codetrack::{self, Codetrack};
use crate::faults::{Faults, inject};
use crate::illuminate::{self, Illuminate};
use crate::irceline::{self, Irceline};
use crate::script::Instead;
use crate::{Options, SeriesInfo, Value, control};

/// How long a stop waits for answers that are still being given.
const PATIENCE: Duration = Duration::from_secs(1);

/// The state of all simulated sources.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) faults: Arc<Faults>,
    pub(crate) irceline: Arc<Irceline>,
    pub(crate) illuminate: Arc<Illuminate>,
    pub(crate) codetrack: Arc<Codetrack>,
}

impl Sources {
    fn new(options: &Options) -> Self {
        Self {
            faults: Arc::new(Faults::new(options)),
            irceline: Arc::new(Irceline::new(options)),
            illuminate: Arc::new(Illuminate::new(options)),
            codetrack: Arc::new(Codetrack::new(options)),
        }
    }
}

/// A running server. It stops when dropped; [`Simulator::stop`] waits until it has.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    pub(crate) sources: Arc<Sources>,
    shutdown: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Simulator {
    /// Generates the world and answers requests on 127.0.0.1, at a free port if the options name none.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let sources = Arc::new(Sources::new(&options));
        let app = routes(&sources);
        let (shutdown, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async move { drop(stopped.await) };
            // Serving ends with the shutdown only: axum retries failed connections by itself.
            drop(axum::serve(listener, app).with_graceful_shutdown(stopped).await);
        });
        Ok(Self { address, sources, shutdown, task })
    }

    /// Where requests are answered.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base URL of the air quality API, with a slash at its end.
    pub fn irceline_url(&self) -> String {
        format!("http://{}{}/", self.address, irceline::BASE)
    }

    /// Base URL of the API of school assessments, with a slash at its end: `OAuth2_AccessToken` is a query of
    /// this URL, the methods are below `rest_server.php/Api/`.
    pub fn illuminate_url(&self) -> String {
        format!("http://{}{}/", self.address, illuminate::BASE)
    }

    /// Base URL of the API of the coding course, without a slash at its end.
    pub fn codetrack_url(&self) -> String {
        format!("http://{}{}", self.address, codetrack::BASE)
    }

    /// Base URL of the control interface, with a slash at its end.
    pub fn control_url(&self) -> String {
        format!("http://{}/simulator/", self.address)
    }

    /// Changes the values of the first `series` live series of a default parameter on a day in Brussels, that
    /// is those stamped after its midnight up to the next midnight. Missing values stay missing.
    ///
    /// Gives the number of changed values. Calling it again changes them again.
    pub fn correct(&self, day: NaiveDate, series: usize) -> usize {
        self.sources.irceline.correct(day, series)
    }

    /// Sets the share of requests that fail, from 0 to 1.
    pub fn set_fail_rate(&self, rate: f64) {
        self.sources.faults.set_fail_rate(rate);
    }

    /// While down, every request gets status 503.
    pub fn set_down(&self, down: bool) {
        self.sources.faults.set_down(down);
    }

    /// After so many more requests, none is answered until this is called again; with [`u64::MAX`] all are.
    pub fn hold_after(&self, more: u64) {
        self.sources.faults.hold_after(more);
    }

    /// Alters what is behind the `?` of requests, from their path and query.
    pub fn alter_queries(&self, alter: impl Fn(&str, String) -> String + Send + Sync + 'static) {
        self.sources.faults.script.alter_queries(alter);
    }

    /// Alters answers, from the path and query that got them.
    pub fn alter_answers(&self, alter: impl Fn(&str, serde_json::Value) -> serde_json::Value + Send + Sync + 'static) {
        self.sources.faults.script.alter_answers(alter);
    }

    /// Answers some requests itself, by their path and query.
    pub fn answer_instead(&self, instead: impl Fn(&str) -> Option<Instead> + Send + Sync + 'static) {
        self.sources.faults.script.answer_instead(instead);
    }

    /// Ends all alterations.
    pub fn behave(&self) {
        self.sources.faults.script.clear();
    }

    /// Requests for data that name any of these series get status 500, until this is called with others.
    pub fn fail_series(&self, ids: Vec<String>) {
        self.sources.irceline.fail_series(ids);
    }

    /// Requests for data of any of these series get status 404, until this is called with others.
    pub fn forget_series(&self, ids: Vec<String>) {
        self.sources.irceline.forget_series(ids);
    }

    /// Number of requests so far, failed ones included and those of the control interface excluded.
    pub fn requests(&self) -> u64 {
        self.sources.faults.requests()
    }

    /// Every listed series, dead, closed and empty ones included, in the order of the list.
    pub fn series_ids(&self) -> Vec<SeriesInfo> {
        self.sources.irceline.series(|_| true)
    }

    /// The series that hold current values, in the order of the list.
    pub fn live_series(&self) -> Vec<SeriesInfo> {
        self.sources.irceline.series(|state| state.live)
    }

    /// Ids of the series that are listed but unknown to the data endpoints.
    pub fn dead_series(&self) -> Vec<String> {
        let dead = self.sources.irceline.series(|state| state.dead);
        dead.into_iter().map(|series| series.id).collect()
    }

    /// What the server would answer now for a timestamp, or `None` for an unknown series.
    ///
    /// Placeholders for hours yet to come are part of it, however far ahead.
    pub fn value(&self, series_id: &str, timestamp_ms: i64) -> Option<Value> {
        self.sources.irceline.value(series_id, timestamp_ms)
    }

    /// Stops accepting requests and waits a moment for those under way.
    pub async fn stop(mut self) {
        drop(self.shutdown);
        if tokio::time::timeout(PATIENCE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

fn routes(sources: &Arc<Sources>) -> Router {
    let faulty = middleware::from_fn_with_state(Arc::clone(&sources.faults), inject);
    irceline::router(Arc::clone(&sources.irceline))
        .merge(illuminate::router(Arc::clone(&sources.illuminate)))
        .merge(codetrack::router(Arc::clone(&sources.codetrack)))
        .layer(faulty)
        .merge(control::router(Arc::clone(sources)))
}
