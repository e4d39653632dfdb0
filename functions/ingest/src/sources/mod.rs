//! The APIs: one file each, and nothing else in the project knows them.

pub mod irceline;
