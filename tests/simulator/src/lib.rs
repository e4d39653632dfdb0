//! Local stand-ins for the source APIs, for tests and for a demonstration without the internet.
//!
//! A [`Simulator`] is an HTTP server on 127.0.0.1. Its world is generated from a seed, so the same options
//! give the same stations, series and values in every run. It shows the quirks of the real servers, and can
//! be told to be slow, to fail, to be down, or to correct values it gave out before.
//!
//! * IRCELINE: hourly air quality of Belgium, below `/sos/api/v1/`
//! * a control interface for scripts, below `/simulator/`, that never fails and is not counted
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! let simulator = simulator::Simulator::start(simulator::Options::default()).await?;
//! println!("{}", simulator.irceline_url());
//! simulator.stop().await;
//! # Ok(())
//! # }
//! ```

pub mod cli;
mod control;
mod faults;
mod irceline;
mod options;
mod random;
mod server;

pub use self::irceline::{SeriesInfo, Value};
pub use self::options::{Options, Paging};
pub use self::server::Simulator;
