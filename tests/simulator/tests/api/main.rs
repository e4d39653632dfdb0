//! The server as a client sees it.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

mod codetrack;
mod command;
mod http;
mod illuminate;
mod irceline;
