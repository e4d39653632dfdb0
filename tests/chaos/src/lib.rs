//! Property tests of the real `clean` and `aggregate` over a store in memory, with scripted faults, several writers at
//! once, and events that come often, late, in any order or never.
//!
//! `schedule` makes everything from one seed: what is uploaded, who works at the same time, whose turn it is at each
//! call of a store, and which calls fail. `check` says what must hold. README.md says how to use it.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod check;
mod faulty;
pub mod fetch;
pub mod memory;
pub mod random;
mod schedule;
mod scheduler;
mod zones;

pub use self::memory::Mutant;
pub use self::schedule::{Done, Options, Violation, run};
pub use self::zones::catalog;
