//! The command `simulator`.

use std::future::pending;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{Options, Simulator};

/// A local server that behaves as the IRCELINE timeseries API does.
#[derive(Debug, clap::Parser)]
#[command(version)]
pub struct Arguments {
    /// The world and its faults.
    #[command(flatten)]
    pub options: Options,
    /// Write the URL to this file once requests are answered
    #[arg(long, value_name = "PATH")]
    pub url_file: Option<PathBuf>,
}

/// Starts a server, makes its URL known and waits for an interrupt or a termination.
pub async fn run(arguments: Arguments) -> io::Result<()> {
    let simulator = Simulator::start(arguments.options).await?;
    let url = simulator.irceline_url();
    writeln!(io::stdout(), "{url}")?;
    if let Some(path) = &arguments.url_file {
        write_whole(path, &url)?;
    }
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        terminated = terminated() => terminated?,
    }
    simulator.stop().await;
    Ok(())
}

#[cfg(unix)]
async fn terminated() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate())?.recv().await {
        Some(()) => Ok(()),
        None => pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() -> io::Result<()> {
    pending().await
}

/// Writes beside the file and renames, so that whoever waits for the file never reads half of it.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    std::fs::write(&name, format!("{text}\n"))?;
    std::fs::rename(&name, path)
}
