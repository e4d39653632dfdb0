//! What is too large for a call is handed to AWS Batch: the same work as a job, one share per child.
//!
//! A job's name is a function of its work, and while a job of that name is active, the same work is not submitted
//! again. Two callers that look at the same moment may both submit; the children of both do the same, and since every
//! step commits conditionally, the result is that of one.

mod manifest;
mod settings;

use std::sync::Arc;

use aws_sdk_batch::Client;
use aws_sdk_batch::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_batch::types::{
    ArrayProperties, ContainerOverrides, JobDependency, JobStatus, KeyValuePair, KeyValuesPair,
};
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::aws::Aws;
use crate::error::{Error, Result};
use crate::hash;
use crate::store::{Object, Store};
use crate::time::Window;

pub use self::manifest::{Manifest, Share};
pub use self::settings::Settings;

/// The longest job name that AWS Batch takes.
const LONGEST_NAME: usize = 128;
/// States in which a job will still do its work. An array job is pending while its children run.
const ACTIVE: [JobStatus; 5] =
    [JobStatus::Submitted, JobStatus::Pending, JobStatus::Runnable, JobStatus::Starting, JobStatus::Running];

/// Work that was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandedOver {
    /// The job's id.
    pub job_id: String,
    /// Its name, which is the same for the same work.
    pub job_name: String,
    /// How many children it has; one is no array.
    pub shares: usize,
    /// Whether the same work was being done already, by a job that was then left alone.
    pub already_active: bool,
}

/// The queue of a lake's jobs.
#[derive(Debug, Clone)]
pub struct Batch {
    settings: Settings,
    /// What tells a job which lake it works on.
    environment: Vec<(&'static str, String)>,
    manifests: Store,
    aws: Aws,
    client: Arc<OnceCell<Client>>,
}

impl Batch {
    /// Makes no request.
    pub(crate) fn new(
        settings: Settings,
        environment: Vec<(&'static str, String)>,
        manifests: Store,
        aws: Aws,
    ) -> Self {
        Self { settings, environment, manifests, aws, client: Arc::default() }
    }

    /// Above which size an object, or the input of an aggregation, is for a job.
    pub fn above_bytes(&self) -> Option<u64> {
        self.settings.above_bytes
    }

    /// Above which number of days a window is for a job.
    pub fn above_days(&self) -> Option<u64> {
        self.settings.above_days
    }

    /// Hands over a window of a source that is to be fetched: one child per piece of it.
    pub async fn ingest(&self, source: &str, pieces: &[Window], accept_loss: bool) -> Result<HandedOver> {
        let (from, to) = (Window::from, Window::to);
        let share =
            |piece: &Window| Share::Ingest { source: source.to_owned(), from: from(piece), to: to(piece), accept_loss };
        let manifest = Manifest { title: title("ingest", source, pieces), shares: pieces.iter().map(share).collect() };
        let identity = identity(&manifest);
        self.submit(&manifest, &identity, None).await
    }

    /// Hands over a backfill: one child per piece of its window fetches and cleans, and when all are done, one more job
    /// brings the models up to date.
    pub async fn backfill(&self, source: &str, pieces: &[Window]) -> Result<Vec<HandedOver>> {
        let share = |piece: &Window| Share::Backfill { source: source.to_owned(), from: piece.from(), to: piece.to() };
        let title = title("backfill", source, pieces);
        let parts = Manifest { title: title.clone(), shares: pieces.iter().map(share).collect() };
        let end = Share::Finish { dataset: source.to_owned() };
        let end = Manifest { title: format!("{title}-finish"), shares: vec![end] };
        let identity = identity(&parts);
        let first = self.submit(&parts, &identity, None).await?;
        // A finish that waits for an earlier job of the same work is no reason not to finish this one.
        let identity = format!("{identity} {}", first.job_id);
        let second = self.submit(&end, &identity, Some(&first.job_id)).await?;
        Ok(vec![first, second])
    }

    /// Hands over the cleaning of raw objects: one child each. The work is known by the objects' ETags as well: an
    /// active job may have read an object before it was replaced.
    pub async fn clean(&self, objects: &[Object]) -> Result<HandedOver> {
        let subject = match objects {
            [object] => object.key.as_str(),
            _ => "objects",
        };
        let share = |object: &Object| Share::Clean { keys: vec![object.key.clone()] };
        let manifest = Manifest { title: format!("clean-{subject}"), shares: objects.iter().map(share).collect() };
        let identity = hash::texts(objects.iter().flat_map(|object| [object.key.as_str(), object.etag.as_str()]));
        self.submit(&manifest, &identity, None).await
    }

    /// Hands over an aggregation, as one job for each level of models: it begins when the one before is done. What is stale
    /// changes while a job makes it, so the work is known by what was asked for (`subject`), not by its shares: one job at a
    /// time brings a dataset or a model up to date.
    pub async fn aggregate(&self, subject: &str, levels: Vec<Vec<Share>>) -> Result<Vec<HandedOver>> {
        let mut jobs: Vec<HandedOver> = Vec::new();
        for shares in levels {
            let before = jobs.last().map(|job| job.job_id.clone());
            let (title, identity) = match &before {
                None => (format!("aggregate-{subject}"), format!("aggregate-{subject}")),
                Some(id) => (format!("aggregate-{subject}-{}", jobs.len() + 1), format!("aggregate-{subject} {id}")),
            };
            jobs.push(self.submit(&Manifest { title, shares }, &identity, before.as_deref()).await?);
        }
        Ok(jobs)
    }

    /// Submits a job unless one of the same name is active.
    async fn submit(&self, manifest: &Manifest, identity: &str, after: Option<&str>) -> Result<HandedOver> {
        let lake: Vec<&str> = self.environment.iter().map(|(_, url)| url.as_str()).collect();
        let job_name = name(&manifest.title, &hash::texts(lake.into_iter().chain([identity])));
        let children = manifest.children();
        if let Some(job_id) = self.active(&job_name).await? {
            return Ok(HandedOver { job_id, job_name, shares: children, already_active: true });
        }
        let id = manifest.write(&self.manifests).await?;
        let mut overrides = ContainerOverrides::builder().command("job").command(id);
        for (name, value) in &self.environment {
            overrides = overrides.environment(KeyValuePair::builder().name(*name).value(value).build());
        }
        let array = i32::try_from(children).ok().filter(|size| *size > 1);
        let submitted = self
            .client()
            .await
            .submit_job()
            .job_name(&job_name)
            .job_queue(&self.settings.queue)
            .job_definition(&self.settings.definition)
            .container_overrides(overrides.build())
            .set_array_properties(array.map(|size| ArrayProperties::builder().size(size).build()))
            .set_depends_on(after.map(|id| vec![JobDependency::builder().job_id(id).build()]))
            .send()
            .await
            .map_err(|error| self.failed("submit", &job_name, &error))?;
        let job_id = submitted.job_id().unwrap_or_default().to_owned();
        tracing::info!(job_id, job_name, shares = children, "handed over to AWS Batch");
        Ok(HandedOver { job_id, job_name, shares: children, already_active: false })
    }

    /// The active job of this name.
    async fn active(&self, name: &str) -> Result<Option<String>> {
        let filter = KeyValuesPair::builder().name("JOB_NAME").values(name).build();
        let jobs = self.client().await.list_jobs().job_queue(&self.settings.queue).filters(filter);
        let mut pages = jobs.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed("look for", name, &error))?;
            // The filter does not look at case or state, and emulators leave it out.
            let found = page
                .job_summary_list()
                .iter()
                .find(|job| job.job_name() == Some(name) && job.status().is_some_and(|status| ACTIVE.contains(status)));
            if let Some(id) = found.and_then(|job| job.job_id()) {
                return Ok(Some(id.to_owned()));
            }
        }
        Ok(None)
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(|| async { Client::new(self.aws.config().await) }).await
    }

    fn failed<E, R>(&self, action: &'static str, job: &str, error: &SdkError<E, R>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        // What the service calls a client's exception is the settings' or the role's fault; the rest may pass.
        let can_retry = error.code() != Some("ClientException") && error.code() != Some("AccessDeniedException");
        Error::Batch {
            action,
            job: job.to_owned(),
            queue: self.settings.queue.clone(),
            why: crate::aws::explain(error),
            can_retry,
        }
    }
}

/// What a window's job is called.
fn title(step: &str, source: &str, pieces: &[Window]) -> String {
    match (pieces.first(), pieces.last()) {
        (Some(first), Some(last)) => format!("{step}-{source}-{}-{}", first.from(), last.to()),
        _ => format!("{step}-{source}"),
    }
}

/// The hash of all shares.
fn identity(manifest: &Manifest) -> String {
    let shares: Vec<String> = manifest.shares.iter().map(|share| format!("{share:?}")).collect();
    hash::texts(shares.iter().map(String::as_str))
}

/// A name that AWS Batch takes: at most 128 letters, digits, hyphens and underscores, the hash of the work at its end.
fn name(title: &str, hash: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let room = LONGEST_NAME.saturating_sub(hash.len() + 1);
    let title: String = title.chars().skip_while(|c| !c.is_ascii_alphanumeric()).map(safe).take(room).collect();
    format!("{title}-{hash}").trim_start_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_are_such_as_batch_takes(title in "\\PC{0,200}", work in "\\PC{0,20}") {
            let name = name(&title, &hash::texts([work.as_str()]));
            prop_assert!(name.len() <= LONGEST_NAME);
            prop_assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()), "{}", name);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{}", name);
        }
    }

    #[test]
    fn a_name_tells_its_work() {
        assert_eq!(
            name("clean-irceline/date=2026-11-18/values.ndjson", "0f"),
            "clean-irceline-date-2026-11-18-values-ndjson-0f"
        );
    }
}
