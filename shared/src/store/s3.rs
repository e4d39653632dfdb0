//! An S3 bucket, or a prefix of one, as an object store.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime as SmithyTime};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::{OnceCell, mpsc};

use crate::aws::{Aws, explain};

use super::{Backend, Body, Condition, Failure, Object, Reading, Result, StoreError};

/// Parts of a multipart upload; also the most that one upload holds in memory.
const PART_BYTES: usize = 16 * 1024 * 1024;
/// Chunks of a download that wait for their reader.
const CHUNKS_IN_FLIGHT: usize = 32;
/// How often a broken download goes on from where it stopped.
const DOWNLOAD_TRIES: u32 = 5;

/// A lazily made S3 client, shared by all zones: a purely local lake never makes one.
#[derive(Debug, Clone, Default)]
pub struct Client {
    aws: Aws,
    client: Arc<OnceCell<aws_sdk_s3::Client>>,
}

impl Client {
    /// A client of the given configuration.
    pub fn new(aws: Aws) -> Self {
        Self { aws, client: Arc::default() }
    }

    /// The configuration, for clients of other services.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    async fn get(&self) -> &aws_sdk_s3::Client {
        self.client
            .get_or_init(|| async {
                let shared = self.aws.config().await;
                // Emulators serve buckets by path, not by host name.
                let path_style = shared.endpoint_url().is_some();
                let config = aws_sdk_s3::config::Builder::from(shared).force_path_style(path_style).build();
                aws_sdk_s3::Client::from_conf(config)
            })
            .await
    }
}

/// A zone in a bucket.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    bucket: String,
    prefix: String,
}

impl S3Store {
    pub(super) fn new(client: Client, bucket: &str, prefix: &str) -> Self {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Self { client, bucket: bucket.to_owned(), prefix }
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn fail<E, R>(&self, action: &'static str, key: &str, error: &SdkError<E, R>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug + Status,
    {
        StoreError { failure: classify(error), action, url: self.url(key), why: explain(error) }
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

    async fn start_get(&self, key: &str) -> Result<Option<(Object, ByteStream)>> {
        let client = self.client.get().await;
        match client.get_object().bucket(&self.bucket).key(self.full(key)).send().await {
            Ok(output) => Ok(Some((describe(key, &output), output.body))),
            Err(error) => self.none_if_absent("read", key, &error),
        }
    }

    /// Some bytes of a known state of an object, with tries.
    async fn rest(&self, object: &Object, range: Range<u64>) -> Result<Bytes> {
        let mut tries = 0;
        loop {
            let error = match self.stream_range(object, range.clone()).await {
                Ok(body) => match body.collect().await {
                    Ok(body) => return Ok(body.into_bytes()),
                    Err(error) => self.broken("read", &object.key, error),
                },
                Err(error) => error,
            };
            tries += 1;
            if tries >= DOWNLOAD_TRIES || !error.can_retry() {
                return Err(error);
            }
        }
    }

    async fn stream_range(&self, object: &Object, range: Range<u64>) -> Result<ByteStream> {
        let client = self.client.get().await;
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
                    let again = match self.stream_range(object, sent..object.bytes).await {
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

    async fn upload_parts(&self, key: &str, id: &str, source: &mut FileParts, condition: &Condition) -> Result<Object> {
        let client = self.client.get().await;
        let mut parts = Vec::new();
        let mut number = 0;
        loop {
            let bytes = source.next_part().await.map_err(|error| self.broken("write", key, error))?;
            if bytes.is_empty() {
                break;
            }
            number += 1;
            let part = client
                .upload_part()
                .bucket(&self.bucket)
                .key(self.full(key))
                .upload_id(id)
                .part_number(number)
                .body(ByteStream::from(bytes))
                .send()
                .await
                .map_err(|error| self.fail("write", key, &error))?;
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
        let done = request.send().await.map_err(|error| self.fail("write", key, &error))?;
        Ok(Object {
            key: key.to_owned(),
            bytes: source.size,
            etag: unquote(done.e_tag()),
            last_modified: Utc::now(),
            version: done.version_id().map(str::to_owned),
        })
    }
}

#[async_trait]
impl Backend for S3Store {
    fn url(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.bucket, self.prefix)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        let client = self.client.get().await;
        let mut pages = client.list_objects_v2().bucket(&self.bucket).prefix(self.full(prefix)).into_paginator().send();
        let mut objects = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.fail("list", prefix, &error))?;
            for item in page.contents() {
                let Some(key) = item.key().and_then(|key| key.strip_prefix(&self.prefix)) else {
                    continue;
                };
                // Consoles make objects whose key ends in a slash to show a folder.
                let hidden = key.rsplit('/').next().is_none_or(|name| name.is_empty() || name.starts_with('.'));
                if !hidden {
                    objects.push(Object {
                        key: key.to_owned(),
                        bytes: item.size().unwrap_or(0).unsigned_abs(),
                        etag: unquote(item.e_tag()),
                        last_modified: time(item.last_modified()),
                        version: None,
                    });
                }
            }
        }
        objects.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(objects)
    }

    async fn head(&self, key: &str) -> Result<Option<Object>> {
        let client = self.client.get().await;
        match client.head_object().bucket(&self.bucket).key(self.full(key)).send().await {
            Ok(head) => Ok(Some(Object {
                key: key.to_owned(),
                bytes: head.content_length().unwrap_or(0).unsigned_abs(),
                etag: unquote(head.e_tag()),
                last_modified: time(head.last_modified()),
                version: head.version_id().map(str::to_owned),
            })),
            Err(error) => self.none_if_absent("look at", key, &error),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        let Some((object, body)) = self.start_get(key).await? else {
            return Ok(None);
        };
        match body.collect().await {
            Ok(body) => Ok(Some((object, body.into_bytes()))),
            // The connection broke: once more, in ranges of the same version.
            Err(_) => Ok(Some((object.clone(), self.rest(&object, 0..object.bytes).await?))),
        }
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
        self.rest(&object, range).await
    }

    async fn read(&self, key: &str) -> Result<Option<Reading>> {
        let Some((object, body)) = self.start_get(key).await? else {
            return Ok(None);
        };
        let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let (store, known) = (self.clone(), object.clone());
        tokio::spawn(async move { store.pump(&known, body, sender).await });
        let etag = object.etag.clone();
        Ok(Some(Reading::new(object, Download { receiver, chunk: Bytes::new(), etag })))
    }

    async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        let client = self.client.get().await;
        let size = bytes.len() as u64;
        // A body in memory: streamed bodies with checksums break emulators.
        let mut request = client.put_object().bucket(&self.bucket).key(self.full(key)).body(ByteStream::from(bytes));
        match &condition {
            Condition::Always => {}
            Condition::Absent => request = request.if_none_match("*"),
            Condition::Unchanged(etag) => request = request.if_match(format!("\"{etag}\"")),
        }
        let output = request.send().await.map_err(|error| {
            let mut failed = self.fail("write", key, &error);
            // If-Match on an object that is gone: the condition does not hold.
            if failed.failure == Failure::NotFound && matches!(condition, Condition::Unchanged(_)) {
                failed.failure = Failure::Condition;
            }
            failed
        })?;
        Ok(Object {
            key: key.to_owned(),
            bytes: size,
            etag: unquote(output.e_tag()),
            last_modified: Utc::now(),
            version: output.version_id().map(str::to_owned),
        })
    }

    async fn put_file(&self, key: &str, file: File, condition: Condition) -> Result<Object> {
        let broken = |error: io::Error| self.broken("write", key, error);
        let mut source = FileParts::open(file).map_err(broken)?;
        if source.size <= PART_BYTES as u64 {
            let bytes = source.next_part().await.map_err(broken)?;
            return self.put(key, bytes, condition).await;
        }
        let client = self.client.get().await;
        let upload = client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(self.full(key))
            .send()
            .await
            .map_err(|error| self.fail("write", key, &error))?;
        let id = upload.upload_id().unwrap_or_default();
        match self.upload_parts(key, id, &mut source, &condition).await {
            Ok(object) => Ok(object),
            Err(error) => {
                let abort = client.abort_multipart_upload().bucket(&self.bucket).key(self.full(key)).upload_id(id);
                if let Err(abort_error) = abort.send().await {
                    tracing::warn!(key, error = %explain(&abort_error), "failed to abort an upload; the bucket's lifecycle rule will");
                }
                Err(error)
            }
        }
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        let client = self.client.get().await;
        let mut request = client.delete_object().bucket(&self.bucket).key(self.full(key));
        if let Condition::Unchanged(etag) = &condition {
            // Stores that do not know If-Match on deletions ignore it: looking first leaves a moment, not none.
            match self.head(key).await? {
                None => return Ok(()),
                Some(there) if there.etag != *etag => return Err(self.is_another("delete", key)),
                Some(_) => request = request.if_match(format!("\"{etag}\"")),
            }
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => self.none_if_absent::<(), _, _>("delete", key, &error).map(drop),
        }
    }

    async fn root_is_there(&self) -> Result<bool> {
        let client = self.client.get().await;
        match client.list_objects_v2().bucket(&self.bucket).prefix(&self.prefix).max_keys(1).send().await {
            Ok(_) => Ok(true),
            // A list finds nothing only where there is no bucket.
            Err(error) => {
                let failure = self.fail("list", "", &error);
                if failure.failure == Failure::NotFound { Ok(false) } else { Err(failure) }
            }
        }
    }

    async fn leftovers(&self, _: bool) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// A download that failed, in a way that is not taken for broken bytes.
fn broken_off(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, why)
}

/// A file read in upload parts, off the async threads.
struct FileParts {
    file: Option<File>,
    size: u64,
}

impl FileParts {
    fn open(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        let size = file.metadata()?.len();
        Ok(Self { file: Some(file), size })
    }

    /// The next part; empty at the end.
    async fn next_part(&mut self) -> io::Result<Bytes> {
        let Some(mut file) = self.file.take() else {
            return Ok(Bytes::new());
        };
        let read = move || {
            let mut bytes = Vec::new();
            let outcome = file.by_ref().take(PART_BYTES as u64).read_to_end(&mut bytes);
            outcome.map(|_| (file, Bytes::from(bytes)))
        };
        let (file, bytes) = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)??;
        self.file = Some(file);
        Ok(bytes)
    }
}

/// The blocking end of a download. All its bytes are of one ETag: the requests ask for it.
struct Download {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    chunk: Bytes,
    etag: String,
}

impl Body for Download {
    fn etag(&mut self) -> io::Result<String> {
        Ok(self.etag.clone())
    }
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.receiver.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => self.chunk = chunk?,
            }
        }
        let count = self.chunk.len().min(buffer.len());
        let taken = self.chunk.split_to(count);
        for (to, from) in buffer.iter_mut().zip(taken.iter()) {
            *to = *from;
        }
        Ok(count)
    }
}

fn describe(key: &str, output: &GetObjectOutput) -> Object {
    Object {
        key: key.to_owned(),
        bytes: output.content_length().unwrap_or(0).unsigned_abs(),
        etag: unquote(output.e_tag()),
        last_modified: time(output.last_modified()),
        version: output.version_id().map(str::to_owned),
    }
}

fn unquote(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

fn time(time: Option<&SmithyTime>) -> DateTime<Utc> {
    time.and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos())).unwrap_or_default()
}

/// The HTTP status of a raw response.
trait Status {
    fn status(&self) -> u16;
}

impl Status for aws_sdk_s3::config::http::HttpResponse {
    fn status(&self) -> u16 {
        self.status().as_u16()
    }
}

/// S3 answers a conditional write with 412 when the condition fails (an answer) and 409 on a race (try again).
fn classify<E, R>(error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata,
    R: Status,
{
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Failure::Transient,
        SdkError::ServiceError(service) => match service.raw().status() {
            404 => Failure::NotFound,
            412 => Failure::Condition,
            401 | 403 => Failure::Denied,
            409 | 429 | 500..=599 => Failure::Transient,
            _ => Failure::Other,
        },
        _ => Failure::Other,
    }
}
