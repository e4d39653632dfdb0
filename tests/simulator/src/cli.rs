//! The command `simulator`.

use std::future::pending;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{CLIENT_ID, CLIENT_SECRET, Options, Simulator};

/// A local server that behaves as the APIs of IRCELINE, Illuminate Education and Codetrack do.
#[derive(Debug, clap::Parser)]
#[command(version)]
pub struct Arguments {
    /// The worlds and their faults.
    #[command(flatten)]
    pub options: Options,
    /// Write the URL of the IRCELINE API to this file once requests are answered, and all URLs and
    /// credentials to PATH.env, as assignments for a shell
    #[arg(long, value_name = "PATH")]
    pub url_file: Option<PathBuf>,
    /// Write the school's and the course's rosters below this folder, as uploads to a lake's raw zone
    #[arg(long, value_name = "FOLDER")]
    pub rosters: Option<PathBuf>,
}

/// Starts a server, makes its URL known and waits for an interrupt or a termination.
pub async fn run(arguments: Arguments) -> io::Result<()> {
    let simulator = Simulator::start(arguments.options).await?;
    let url = simulator.irceline_url();
    let environment = environment(&simulator);
    writeln!(io::stdout(), "{url}\n{environment}")?;
    if let Some(folder) = &arguments.rosters {
        write_rosters(&simulator, folder)?;
    }
    if let Some(path) = &arguments.url_file {
        // Whoever waits for the first of the files finds the other one, too.
        write_whole(&with_suffix(path, ".env"), &environment)?;
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

/// What a script needs to call the APIs. The values have no characters that mean something to a shell.
fn environment(simulator: &Simulator) -> String {
    let assignments = [
        ("IRCELINE_URL", simulator.irceline_url()),
        ("ILLUMINATE_URL", simulator.illuminate_url()),
        ("ILLUMINATE_CLIENT_ID", CLIENT_ID.to_owned()),
        ("ILLUMINATE_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
        ("CODETRACK_URL", simulator.codetrack_url()),
    ];
    assignments.map(|(name, value)| format!("{name}={value}")).join("\n")
}

/// The rosters where a lake expects them. One that is there already keeps its time.
fn write_rosters(simulator: &Simulator, folder: &Path) -> io::Result<()> {
    let rosters = [
        ("illuminate/rosters/Student_Rosters.txt", simulator.roster_tsv()),
        ("codetrack/rosters/roster.json", simulator.roster_json()),
    ];
    for (name, text) in rosters {
        let path = folder.join(name);
        if std::fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            continue;
        }
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(path, text)?;
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Writes beside the file and renames, so that whoever waits for the file never reads half of it.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let name = with_suffix(path, ".part");
    std::fs::write(&name, format!("{text}\n"))?;
    std::fs::rename(&name, path)
}
