//! Runs the simulated source APIs until told to stop.

use clap::Parser;
use simulator::cli::{Arguments, run};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    run(Arguments::parse()).await
}
