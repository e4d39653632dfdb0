//! Words for people: what a slip of the pen may have meant, and what a parser says without the names of its types.

pub mod names;
pub mod suggest;
pub mod toml;
