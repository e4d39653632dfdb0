//! How long work tells what it is doing.

/// Hears of the progress of one step. The command line draws bars; functions log nothing.
pub trait Progress: Send + Sync {
    /// A step begins: `total` units are to do.
    fn begin(&self, step: &str, total: u64);
    /// One unit is done; `what` names it.
    fn advance(&self, what: &str);
    /// The step is over.
    fn end(&self);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: &str) {}
    fn end(&self) {}
}
