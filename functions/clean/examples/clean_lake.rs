//! Cleans a lake in a folder without any other part of the project, for profilers and measurements:
//! `cargo run --release -p clean --example clean_lake -- FOLDER [all]`

use std::error::Error;

use clean::{MAX_REJECTED, Options, Selection};
use lake::Lake;
use lake::progress::Quiet;
use lake::settings::LakeSettings;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("a folder is needed")?;
    let lake = Lake::open(LakeSettings::at(format!("file:{folder}").parse()?)).await?;
    let selection = if arguments.next().is_some() { Selection::All(None) } else { Selection::Stale(None) };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let options = Options { workers, prune: false, max_rejected: MAX_REJECTED, now: chrono::Utc::now() };
    let outcome = clean::clean(&lake, &selection, options, &Quiet).await?;
    let rows: u64 = outcome.cleaned.iter().map(|cleaned| cleaned.rows.clean).sum();
    println!("{} objects, {rows} clean rows, {} failed", outcome.cleaned.len(), outcome.failed.len());
    outcome.failed.first().map_or(Ok(()), |error| Err(error.to_string().into()))
}
