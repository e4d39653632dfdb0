//! `tributary report`: makes report pages, in the lake or in a folder of one's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use aggregate::{Aggregated, pages};
use lake::Lake;
use lake::dataset::{Catalog, Dataset};
use lake::store::StoreUrl;
use serde_json::json;

use crate::cli::Format;
use crate::commands::Result;
use crate::failure::{self, Failure};
use crate::output::{print, print_result};
use crate::reference;
use crate::summary::{exit_status, line};

/// How often a folder is looked at for changes.
const PACE: Duration = Duration::from_millis(500);

/// What was made.
#[derive(Default)]
struct Done {
    /// Where pages are.
    pages: Vec<String>,
    /// Parts of pages that could not be made.
    problems: Vec<String>,
    failures: Vec<Failure>,
}

/// Makes the pages of one dataset or of all: in the lake, or in a folder without touching the lake. With `watch` they are
/// made again whenever something below the lake's `config/` changes.
pub async fn run(lake: Lake, dataset: Option<&str>, into: Option<&Path>, watch: bool, format: Format) -> ExitCode {
    let begun = Instant::now();
    let mut lake = lake;
    let mut known = changes(&lake);
    let mut done = Box::pin(make(&lake, dataset, into)).await;
    if !watch {
        return report(&done, format, begun);
    }
    loop {
        report(&done, format, begun);
        while changes(&lake) == known {
            tokio::time::sleep(PACE).await;
        }
        known = changes(&lake);
        done = match reread(&lake).await {
            Ok(catalog) => {
                lake.catalog = catalog;
                Box::pin(make(&lake, dataset, into)).await
            }
            Err(failure) => Done { failures: vec![failure], ..Done::default() },
        };
    }
}

fn report(done: &Done, format: Format, begun: Instant) -> ExitCode {
    failure::print_all(&done.failures);
    match format {
        Format::Text => {
            let mut text = String::new();
            if done.pages.is_empty() && done.failures.is_empty() {
                line(
                    &mut text,
                    format_args!(
                        "There are no pages to make: none is declared (report.toml, see shared/report/README.md), or there are no rows for one yet."
                    ),
                );
            }
            for page in &done.pages {
                line(&mut text, format_args!("page {page}"));
            }
            for problem in &done.problems {
                line(&mut text, format_args!("  problem: {problem}"));
            }
            print(&text);
        }
        Format::Json | Format::Csv => {
            let (ok, elapsed_ms) =
                (done.failures.is_empty() && done.problems.is_empty(), begun.elapsed().as_millis() as u64);
            let Done { pages, problems, failures } = done;
            let line =
                json!({"ok": ok, "elapsed_ms": elapsed_ms, "pages": pages, "problems": problems, "errors": failures});
            print_result(format, &line);
        }
    }
    // A page that lacks a part is not what was declared.
    if done.failures.is_empty() && !done.problems.is_empty() { ExitCode::FAILURE } else { exit_status(&done.failures) }
}

async fn make(lake: &Lake, dataset: Option<&str>, into: Option<&Path>) -> Done {
    let mut done = Done::default();
    if into.is_none()
        && let Err(error) = lake.sweep().await
    {
        done.failures.push(error.into());
        return done;
    }
    let datasets: Vec<&Dataset> = match dataset.map(|name| lake.catalog.dataset(name)).transpose() {
        Ok(Some(dataset)) => vec![dataset],
        Ok(None) => {
            done.failures.extend(lake.catalog.broken().map(Failure::from));
            lake.catalog.datasets().iter().collect()
        }
        Err(error) => {
            done.failures.push(error.into());
            return done;
        }
    };
    for dataset in datasets {
        let made = match into {
            Some(folder) => in_folder(lake, dataset, folder, &mut done).await,
            None => in_lake(lake, dataset, &mut done).await,
        };
        done.failures.extend(made.err());
    }
    // A zone that is not there, but should be, is not begun again by the pages over all datasets.
    if into.is_none() && !done.failures.is_empty() && !lake.consumption.root_is_there().await.unwrap_or(true) {
        return done;
    }
    // It plans every model of the lake: too much for each look at the pages of one dataset.
    if dataset.is_none() {
        let described = reference(lake, into, &mut done).await;
        done.failures.extend(described.err());
    }
    if into.is_none() {
        done.failures.extend(pages::index(lake).await.err().map(Failure::from));
    }
    done
}

async fn in_lake(lake: &Lake, dataset: &Dataset, done: &mut Done) -> Result<()> {
    let exported = pages::bring_up_to_date(lake, dataset, true).await?;
    done.failures.extend(exported.failed.into_iter().map(Failure::from));
    for Aggregated { partition, deleted, warnings, .. } in exported.lines {
        let name = partition.values().map(|(_, name)| name).collect::<String>();
        let url = lake.consumption.url(&lake::keys::consumption_file(&dataset.name, &name));
        done.pages.push(if deleted { format!("{url} is deleted") } else { url });
        done.problems.extend(warnings);
    }
    Ok(())
}

async fn in_folder(lake: &Lake, dataset: &Dataset, folder: &Path, done: &mut Done) -> Result<()> {
    for page in pages::render(lake, dataset).await? {
        let path = folder.join(&dataset.name).join(&page.path);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = written.and_then(|()| std::fs::write(&path, &page.page.html));
        written.map_err(|error| Failure::lasting(format!("{}: {error}", path.display())))?;
        done.pages.push(path.display().to_string());
        done.problems.extend(page.page.problems);
    }
    Ok(())
}

/// Makes the page that describes the lake.
async fn reference(lake: &Lake, into: Option<&Path>, done: &mut Done) -> Result<()> {
    let html = reference::page(lake, &mut done.failures).await;
    let Some(folder) = into else {
        pages::write_catalog(lake, &html).await?;
        done.pages.push(lake.consumption.url(pages::CATALOG_KEY));
        return Ok(());
    };
    let path = folder.join(pages::CATALOG_KEY);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, html));
    written.map_err(|error| Failure::lasting(format!("{}: {error}", path.display())))?;
    done.pages.push(path.display().to_string());
    Ok(())
}

/// When each file of a local lake's `config/datasets/` was changed.
fn changes(lake: &Lake) -> BTreeMap<PathBuf, SystemTime> {
    let StoreUrl::File(root) = lake.root_place() else { return BTreeMap::new() };
    let mut found = BTreeMap::new();
    let folders = std::fs::read_dir(root.join("config/datasets")).into_iter().flatten().flatten();
    for folder in folders {
        for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            let changed = file.metadata().and_then(|metadata| metadata.modified());
            found.extend(changed.ok().map(|changed| (file.path(), changed)));
        }
    }
    found
}

async fn reread(lake: &Lake) -> Result<Catalog> {
    let config = lake::store::Store::open(&lake.root_place().join("config"), &lake::store::S3Client::default());
    Ok(Catalog::load(&config).await?)
}
