//! An S3 bucket, or a prefix of one, as an object store.

mod answers;
mod client;
mod retry;
mod streams;

use std::fs::File;
use std::io::{self, Seek};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, EncodingType};
use backon::Retryable;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use self::answers::{Status, classify, decoded, describe, time, unquote};
pub use self::client::Client;
use self::retry::{Next, Tried, Tries, delays};
use self::streams::{Download, FileParts, PART_BYTES, broken_off};
use super::{Backend, By, Condition, Failure, Listed, Object, Reading, Result, StoreError, Visit};
use crate::aws::explain;

/// Chunks of a download that wait for their reader.
const CHUNKS_IN_FLIGHT: usize = 32;
/// How often a broken download goes on from where it stopped, without a byte in between.
const DOWNLOAD_TRIES: u32 = 8;

/// Where a list begins.
#[derive(Debug, Clone)]
enum Begin {
    First,
    /// Behind a key.
    After(String),
    /// Where the page before ended.
    Next(String),
}

/// How far below a prefix a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    All,
    /// Not into folders.
    Top,
}

/// A zone in a bucket.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    bucket: String,
    prefix: String,
    /// Whether an answer has shown that the bucket exists. Shared by all clones.
    seen: Arc<AtomicBool>,
}

impl S3Store {
    pub(super) fn new(client: Client, bucket: &str, prefix: &str) -> Self {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Self { client, bucket: bucket.to_owned(), prefix, seen: Arc::default() }
    }

    async fn client(&self, action: &'static str, key: &str) -> Result<&aws_sdk_s3::Client> {
        let wrong = |why| StoreError { failure: Failure::Setting, action, url: self.url(key), why };
        self.client.get().await.map_err(wrong)
    }

    /// Tries again what may succeed later.
    async fn retried<T, F>(&self, request: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let note = |error: &StoreError, after: Duration| tracing::debug!(%error, ?after, "trying again");
        request.retry(delays()).when(StoreError::can_retry).notify(note).await
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn fail<E, R>(&self, action: &'static str, key: &str, error: &SdkError<E, R>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + Status,
    {
        let moved = error.raw_response().filter(|response| response.status() == 301);
        let region = moved.and_then(|response| response.header("x-amz-bucket-region"));
        let why = region.map(|region| format!("the bucket is in region {region}: set AWS_REGION={region}"));
        StoreError { failure: classify(error), action, url: self.url(key), why: why.unwrap_or_else(|| explain(error)) }
    }

    /// A failed write; whether it may have taken effect.
    fn tried<E, R>(&self, key: &str, error: &SdkError<E, R>, condition: &Condition) -> Tried
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + Status,
    {
        let mut failed = self.fail("write", key, error);
        // If-Match on an object that is gone: the condition does not hold.
        let is_gone = failed.failure == Failure::NotFound && error.code() != Some("NoSuchBucket");
        if is_gone && error.code() != Some("NoSuchUpload") && matches!(condition, Condition::Unchanged(_)) {
            failed.failure = Failure::Condition;
        }
        let status = error.raw_response().map(Status::status);
        Tried { in_doubt: failed.can_retry() && !matches!(status, Some(409 | 429)), error: failed }
    }

    fn broken(&self, action: &'static str, key: &str, why: impl ToString) -> StoreError {
        StoreError { failure: Failure::Transient, action, url: self.url(key), why: why.to_string() }
    }

    fn is_another(&self, action: &'static str, key: &str) -> StoreError {
        let why = "another writer was first".to_owned();
        StoreError { failure: Failure::Condition, action, url: self.url(key), why }
    }

    fn none_if_absent<T, E, R>(&self, action: &'static str, key: &str, error: &SdkError<E, R>) -> Result<Option<T>>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + Status,
    {
        let failure = self.fail(action, key, error);
        let bucket_missing = error.code() == Some("NoSuchBucket");
        if failure.failure == Failure::NotFound && !bucket_missing { Ok(None) } else { Err(failure) }
    }

    /// Whether an object is there whose 404 had no body, as those of HEAD: a missing bucket is an error.
    async fn is_bucket_there(&self, action: &'static str, key: &str) -> Result<()> {
        if self.seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.client(action, key).await?.head_bucket().bucket(&self.bucket).send().await {
            Ok(_) => self.seen.store(true, Ordering::Relaxed),
            Err(error) => {
                let mut failed = self.fail(action, key, &error);
                match failed.failure {
                    Failure::NotFound => failed.why = "NoSuchBucket: The specified bucket does not exist".to_owned(),
                    // Who may not look at a bucket may still read it.
                    Failure::Denied => return Ok(()),
                    _ => {}
                }
                return Err(failed);
            }
        }
        Ok(())
    }

    async fn start_get(&self, key: &str) -> Result<Option<(Object, ByteStream)>> {
        let client = self.client("read", key).await?;
        match client.get_object().bucket(&self.bucket).key(self.full(key)).send().await {
            Ok(output) => Ok(Some((describe(key, &output), output.body))),
            Err(error) => self.none_if_absent("read", key, &error),
        }
    }

    async fn try_get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        let Some((object, body)) = self.start_get(key).await? else { return Ok(None) };
        let body = body.collect().await.map_err(|error| self.broken("read", key, error))?;
        Ok(Some((object, body.into_bytes())))
    }

    async fn try_head(&self, key: &str) -> Result<Option<Object>> {
        let client = self.client("look at", key).await?;
        let head = match client.head_object().bucket(&self.bucket).key(self.full(key)).send().await {
            Ok(head) => head,
            Err(error) => {
                let absent = self.none_if_absent("look at", key, &error)?;
                self.is_bucket_there("look at", key).await?;
                return Ok(absent);
            }
        };
        self.seen.store(true, Ordering::Relaxed);
        Ok(Some(Object {
            key: key.to_owned(),
            bytes: head.content_length().unwrap_or(0).unsigned_abs(),
            etag: unquote(head.e_tag()),
            last_modified: time(head.last_modified()),
            version: head.version_id().map(str::to_owned),
        }))
    }

    /// A page of a list. An answer that was cut off or garbled is an error: the SDK would take it for a short list.
    async fn page(&self, prefix: &str, begin: Begin, most: Option<i32>, depth: Depth) -> Result<ListObjectsV2Output> {
        let client = self.client("list", prefix).await?;
        // XML has no way to write some control characters: encoded, such a key stops no other.
        let request = client.list_objects_v2().encoding_type(EncodingType::Url);
        let request = request.bucket(&self.bucket).prefix(self.full(prefix));
        let delimiter = (depth == Depth::Top).then(|| "/".to_owned());
        let request = match begin {
            Begin::First => request,
            Begin::After(key) => request.start_after(self.full(&key)),
            Begin::Next(token) => request.continuation_token(token),
        };
        let request = request.set_max_keys(most).set_delimiter(delimiter);
        let page = request.send().await.map_err(|error| self.fail("list", prefix, &error))?;
        let broken = |why: &str| Err(self.broken("list", prefix, format!("the answer cannot be read: {why}")));
        let count = page.contents().len() + page.common_prefixes().len();
        match (page.is_truncated(), page.key_count()) {
            (None, _) => return broken("it does not say whether more follows"),
            (Some(true), _) if page.next_continuation_token().is_none() => {
                return broken("it does not say what follows");
            }
            (_, Some(told)) if usize::try_from(told).ok() != Some(count) => {
                return broken(&format!("it has {count} keys and says {told}"));
            }
            _ => {}
        }
        if page.contents().iter().any(|item| item.key().is_none() || item.e_tag().is_none() || item.size().is_none()) {
            return broken("an object has no key, ETag or size");
        }
        self.seen.store(true, Ordering::Relaxed);
        Ok(page)
    }

    /// Visits everything below a prefix, page by page, with hidden names only if they are wanted: key and item.
    async fn each(
        &self,
        prefix: &str,
        mut begin: Begin,
        hidden: bool,
        mut visit: impl FnMut(&str, &aws_sdk_s3::types::Object) + Send,
    ) -> Result<()> {
        loop {
            let page = self.retried(|| self.page(prefix, begin.clone(), None, Depth::All)).await?;
            let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
            for item in page.contents() {
                let key = item.key().map(|key| if is_encoded { decoded(key) } else { key.to_owned() });
                let Some(key) = key.as_ref().and_then(|key| key.strip_prefix(&self.prefix)) else { continue };
                let name = key.rsplit('/').next().unwrap_or(key);
                // Consoles make objects whose key ends in a slash to show a folder.
                if name.is_empty() || name.starts_with('.') && !hidden {
                    continue;
                }
                visit(key, item);
            }
            match page.next_continuation_token {
                Some(token) if page.is_truncated == Some(true) => begin = Begin::Next(token),
                _ => return Ok(()),
            }
        }
    }

    /// Everything below a prefix, with hidden names only if they are wanted.
    async fn objects(&self, prefix: &str, begin: Begin, hidden: bool) -> Result<Vec<Object>> {
        let mut objects = Vec::new();
        let visit = |key: &str, item: &aws_sdk_s3::types::Object| {
            objects.push(Object {
                key: key.to_owned(),
                bytes: item.size().unwrap_or(0).unsigned_abs(),
                etag: unquote(item.e_tag()),
                last_modified: time(item.last_modified()),
                version: None,
            });
        };
        self.each(prefix, begin, hidden, visit).await?;
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }

    /// Some bytes of a known state of an object.
    async fn rest(&self, object: &Object, range: Range<u64>) -> Result<Bytes> {
        let body = self.stream_range(object, range).await?;
        let body = body.collect().await.map_err(|error| self.broken("read", &object.key, error))?;
        Ok(body.into_bytes())
    }

    async fn stream_range(&self, object: &Object, range: Range<u64>) -> Result<ByteStream> {
        let client = self.client("read", &object.key).await?;
        let last = range.end.saturating_sub(1);
        let request = client
            .get_object()
            .bucket(&self.bucket)
            .key(self.full(&object.key))
            .range(format!("bytes={}-{last}", range.start))
            .if_match(format!("\"{}\"", object.etag));
        let output = request.send().await.map_err(|error| {
            let mut failed = self.fail("read", &object.key, &error);
            // The precondition failed, or the object is too short for the range.
            let status = error.raw_response().map(|response| response.status().as_u16());
            if matches!(status, Some(412 | 416)) {
                failed.failure = Failure::Changed;
            }
            failed
        })?;
        Ok(output.body)
    }

    /// Sends an object's bytes to a reader; a broken connection goes on from where it stopped.
    async fn pump(&self, object: &Object, mut body: ByteStream, sender: mpsc::Sender<io::Result<Bytes>>) {
        let mut sent = 0;
        let mut tries = 0;
        while sent < object.bytes {
            match body.next().await {
                Some(Ok(chunk)) => {
                    sent += chunk.len() as u64;
                    tries = 0;
                    if sender.send(Ok(chunk)).await.is_err() {
                        return;
                    }
                }
                ended => {
                    let why = ended.map_or_else(
                        || "the connection ended early".to_owned(),
                        |result| result.map_or_else(|error| error.to_string(), |_| String::new()),
                    );
                    tries += 1;
                    let again = match self.retried(|| self.stream_range(object, sent..object.bytes)).await {
                        Ok(again) if tries < DOWNLOAD_TRIES => again,
                        Ok(_) => return drop(sender.send(Err(broken_off(why))).await),
                        Err(error) => {
                            return drop(sender.send(Err(broken_off(error.to_string()))).await);
                        }
                    };
                    body = again;
                }
            }
        }
    }

    async fn try_put(&self, key: &str, bytes: Bytes, condition: &Condition) -> Result<Object, Tried> {
        let client = self.client("write", key).await?;
        let size = bytes.len() as u64;
        // A body in memory: streamed bodies with checksums break emulators.
        let mut request = client.put_object().bucket(&self.bucket).key(self.full(key)).body(ByteStream::from(bytes));
        match condition {
            Condition::Always => {}
            Condition::Absent => request = request.if_none_match("*"),
            Condition::Unchanged(etag) => request = request.if_match(format!("\"{etag}\"")),
        }
        let output = request.send().await.map_err(|error| self.tried(key, &error, condition))?;
        self.written(key, size, output.e_tag(), output.version_id())
    }

    /// What was written. An answer without an ETag is not one of S3.
    fn written(&self, key: &str, bytes: u64, etag: Option<&str>, version: Option<&str>) -> Result<Object, Tried> {
        let etag = unquote(etag);
        if etag.is_empty() {
            let error = self.broken("write", key, "the answer cannot be read: it has no ETag");
            return Err(Tried { error, in_doubt: true });
        }
        let version = version.map(str::to_owned);
        Ok(Object { key: key.to_owned(), bytes, etag, last_modified: Utc::now(), version })
    }

    /// One try to upload a file in parts. An upload that is not completed is aborted.
    async fn try_upload(&self, key: &str, file: &File, condition: &Condition) -> Result<Object, Tried> {
        let client = self.client("write", key).await?;
        let begin = || async {
            let request = client.create_multipart_upload().bucket(&self.bucket).key(self.full(key));
            request.send().await.map_err(|error| self.fail("write", key, &error))
        };
        let upload = self.retried(begin).await?;
        let id = upload.upload_id().unwrap_or_default();
        let error = match self.upload_parts(key, id, file, condition).await {
            Ok(object) => return Ok(object),
            Err(error) => error,
        };
        let abort = client.abort_multipart_upload().bucket(&self.bucket).key(self.full(key)).upload_id(id);
        if let Err(abort_error) = abort.send().await {
            tracing::debug!(key, error = %explain(&abort_error), "failed to abort an upload; the bucket's lifecycle rule will");
        }
        Err(error)
    }

    async fn upload_parts(&self, key: &str, id: &str, file: &File, condition: &Condition) -> Result<Object, Tried> {
        let client = self.client("write", key).await?;
        let unreadable = |error: io::Error| self.unreadable(key, &error);
        let mut source = FileParts::open(file.try_clone().map_err(unreadable)?).map_err(unreadable)?;
        let mut parts = Vec::new();
        let mut number = 0;
        loop {
            let bytes = source.next_part().await.map_err(unreadable)?;
            if bytes.is_empty() {
                break;
            }
            number += 1;
            let send = || async {
                let request = client.upload_part().bucket(&self.bucket).key(self.full(key)).upload_id(id);
                let request = request.part_number(number).body(ByteStream::from(bytes.clone()));
                request.send().await.map_err(|error| self.fail("write", key, &error))
            };
            let part = self.retried(send).await?;
            parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
        }
        let mut request = client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(self.full(key))
            .upload_id(id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build());
        match condition {
            Condition::Always => {}
            Condition::Absent => request = request.if_none_match("*"),
            Condition::Unchanged(etag) => request = request.if_match(format!("\"{etag}\"")),
        }
        let done = request.send().await.map_err(|error| self.tried(key, &error, condition))?;
        self.written(key, source.size, done.e_tag(), done.version_id())
    }

    /// The object, if it has these bytes: a write whose answer was lost did take effect.
    async fn has_bytes(&self, key: &str, bytes: &Bytes) -> Result<Option<Object>> {
        Ok(self.get(key).await?.filter(|(_, there)| there == bytes).map(|(object, _)| object))
    }

    /// The same for the bytes of a file of any size.
    async fn has_file(&self, key: &str, file: &File) -> Result<Option<Object>> {
        let Some(reading) = self.read(key).await? else { return Ok(None) };
        let file = file.try_clone().map_err(|error| self.unreadable(key, &error))?;
        let compare = move || {
            let (mut file, mut reading) = (file, reading);
            file.rewind()?;
            let same = crate::hash::reader(&mut file)? == crate::hash::reader(&mut reading)?;
            same.then(|| reading.finish()).transpose()
        };
        let compared = tokio::task::spawn_blocking(compare).await.map_err(io::Error::other).and_then(|same| same);
        compared.map_err(|error| self.broken("read", key, error))
    }

    fn unreadable(&self, key: &str, error: &io::Error) -> StoreError {
        let why = format!("the temporary file cannot be read: {error}");
        StoreError { failure: Failure::Other, action: "write", url: self.url(key), why }
    }
}

#[async_trait]
impl Backend for S3Store {
    fn url(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.bucket, self.prefix)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        self.objects(prefix, Begin::First, false).await
    }

    async fn names(&self, prefix: &str) -> Result<Vec<String>> {
        let objects = self.objects(prefix, Begin::First, true).await?;
        Ok(objects.into_iter().map(|object| object.key).collect())
    }

    async fn names_after(&self, prefix: &str, after: &str) -> Result<Vec<String>> {
        let objects = self.objects(prefix, Begin::After(after.to_owned()), true).await?;
        Ok(objects.into_iter().map(|object| object.key).collect())
    }

    async fn top(&self) -> Result<Vec<String>> {
        let (mut begin, mut names) = (Begin::First, Vec::new());
        loop {
            let page = self.retried(|| self.page("", begin.clone(), None, Depth::Top)).await?;
            let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
            let objects = page.contents().iter().filter_map(|item| item.key());
            let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix());
            for key in objects.chain(folders) {
                let key = if is_encoded { decoded(key) } else { key.to_owned() };
                // The prefix itself may be there as an object, which shows a folder.
                names.extend(key.strip_prefix(&self.prefix).filter(|name| !name.is_empty()).map(str::to_owned));
            }
            match page.next_continuation_token {
                Some(token) if page.is_truncated == Some(true) => begin = Begin::Next(token),
                _ => break,
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn exists(&self) -> Result<bool> {
        let page = self.retried(|| self.page("", Begin::First, Some(1), Depth::All)).await?;
        Ok(!page.contents().is_empty())
    }

    async fn visit(&self, prefix: &str, _: By, mut visit: Visit) -> Result<()> {
        self.each(prefix, Begin::First, false, |key, item| {
            visit(Listed::new(key, &unquote(item.e_tag()), time(item.last_modified())));
        })
        .await
    }

    async fn head(&self, key: &str) -> Result<Option<Object>> {
        self.retried(|| self.try_head(key)).await
    }

    async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        self.retried(|| self.try_get(key)).await
    }

    async fn get_range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let object = Object {
            key: key.to_owned(),
            bytes: 0,
            etag: etag.to_owned(),
            last_modified: DateTime::UNIX_EPOCH,
            version: None,
        };
        self.retried(|| self.rest(&object, range.clone())).await
    }

    async fn read(&self, key: &str) -> Result<Option<Reading>> {
        let Some((object, body)) = self.retried(|| self.start_get(key)).await? else {
            return Ok(None);
        };
        let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let (store, known) = (self.clone(), object.clone());
        tokio::spawn(async move { store.pump(&known, body, sender).await });
        let etag = object.etag.clone();
        Ok(Some(Reading::new(object, Download::new(receiver, etag))))
    }

    async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        let mut tries = Tries::default();
        loop {
            match self.try_put(key, bytes.clone(), &condition).await {
                Ok(object) => return Ok(object),
                Err(tried) => match tries.next(tried).await {
                    Next::Again => {}
                    Next::Failed(error) => return Err(error),
                    Next::Doubt(error) => return self.has_bytes(key, &bytes).await?.ok_or(error),
                },
            }
        }
    }

    async fn put_file(&self, key: &str, file: File, condition: Condition) -> Result<Object> {
        let mut source = FileParts::open(file).map_err(|error| self.unreadable(key, &error))?;
        if source.size <= PART_BYTES as u64 {
            let bytes = source.next_part().await.map_err(|error| self.unreadable(key, &error))?;
            return self.put(key, bytes, condition).await;
        }
        let Some(file) = source.file else { return Err(self.broken("write", key, "the temporary file is gone")) };
        let mut tries = Tries::default();
        loop {
            match self.try_upload(key, &file, &condition).await {
                Ok(object) => return Ok(object),
                Err(tried) => match tries.next(tried).await {
                    Next::Again => {}
                    Next::Failed(error) => return Err(error),
                    Next::Doubt(error) => return self.has_file(key, &file).await?.ok_or(error),
                },
            }
        }
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        let wanted = match &condition {
            Condition::Unchanged(etag) => Some(etag.as_str()),
            Condition::Always | Condition::Absent => None,
        };
        let request = || async {
            let client = self.client("delete", key).await?;
            let request = client.delete_object().bucket(&self.bucket).key(self.full(key));
            let mut sent = match wanted {
                None => request.clone().send().await,
                // Stores that do not know If-Match on deletions ignore it: looking first leaves a moment, not none.
                Some(etag) => match self.try_head(key).await? {
                    None => return Ok(()),
                    Some(there) if there.etag != etag => return Err(self.is_another("delete", key)),
                    Some(_) => request.clone().if_match(format!("\"{etag}\"")).send().await,
                },
            };
            // Or refuse it.
            if sent.as_ref().is_err_and(|error| error.code() == Some("NotImplemented")) {
                sent = request.send().await;
            }
            match sent {
                Ok(_) => Ok(()),
                Err(error) => self.none_if_absent::<(), _, _>("delete", key, &error).map(drop),
            }
        };
        match self.retried(request).await {
            // Deleted by a try whose answer was lost, or by another writer: it is gone.
            Err(error) if error.failure == Failure::Condition && self.head(key).await?.is_none() => Ok(()),
            other => other,
        }
    }

    async fn root_is_there(&self) -> Result<bool> {
        match self.retried(|| self.page("", Begin::First, Some(1), Depth::All)).await {
            Ok(_) => Ok(true),
            // A list finds nothing only where there is no bucket.
            Err(error) if error.failure == Failure::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn leftovers(&self, _: bool) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}
