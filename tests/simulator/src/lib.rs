//! Local stand-ins for the source APIs, for tests and for a demonstration without the internet.
//!
//! A [`Simulator`] is an HTTP server on 127.0.0.1. Its world is generated from a seed, so the same options
//! give the same answers in every run. It shows the quirks of the real servers, and can be told to be slow, to
//! fail, to be down, or to correct values it gave out before.
//!
//! * IRCELINE: hourly air quality of Belgium, below `/sos/api/v1/`
//! * Illuminate Education DnA: results of school assessments, below `/live/`
//! * Codetrack: what the learners of a coding course did each week, below `/codetrack/`
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
mod codetrack;
mod control;
mod counts;
mod faults;
mod illuminate;
mod irceline;
mod options;
mod random;
mod script;
mod server;

pub use self::codetrack::{LearnerInfo, Profile, Week};
pub use self::illuminate::{AssessmentInfo, CLIENT_ID, CLIENT_SECRET, Endpoint};
pub use self::irceline::{SeriesInfo, Value};
pub use self::options::{AuthFailure, Options, Paging};
pub use self::script::Instead;
pub use self::server::Simulator;
