//! The lake's committed Parquet objects, as DataFusion wants to see them: an object store that lists exactly what the
//! ledger names and reads ranges through the lake's own [`Store`].
//!
//! Objects appear under `TABLE/_source=N/PARTITION/...`, where N is the rank of the raw key, so that the newest row of
//! a key can be told apart even on a tie.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::DateTime;
use futures::stream::{self, BoxStream, StreamExt};
use lake::ledger::Output;
use lake::store::{Store, StoreError};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

const NAME: &str = "the lake";

/// Remembers the first read that failed: what the engine makes of it on its way is a text at best.
#[derive(Debug, Clone, Default)]
pub struct Reads(Arc<Mutex<Option<StoreError>>>);

impl Reads {
    /// The first failure since the last call.
    pub fn take_failure(&self) -> Option<StoreError> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }

    fn fail(&self, error: StoreError) -> Error {
        let text = error.to_string();
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(error);
        Error::Generic { store: NAME, source: text.into() }
    }
}

/// Committed objects by their path in the engine.
#[derive(Debug)]
pub struct CommittedFiles {
    store: Store,
    reads: Reads,
    files: BTreeMap<Path, (String, ObjectMeta)>,
}

impl CommittedFiles {
    /// Objects of one zone: rank of the raw key, object. They appear as those of `table`, with `prefix` before the names
    /// in their partitions' paths.
    pub fn new<'a>(
        store: &Store,
        reads: &Reads,
        table: &str,
        prefix: &str,
        outputs: impl IntoIterator<Item = (usize, &'a Output)>,
    ) -> Arc<Self> {
        let files = outputs.into_iter().map(|(source, output)| {
            let mut location = format!("{table}/_source={source:08}/");
            for part in output.partition.as_str().split('/').filter(|part| !part.is_empty()) {
                location.push_str(&format!("{prefix}{part}/"));
            }
            let location = Path::from(location + "data.parquet");
            let meta = ObjectMeta {
                location: location.clone(),
                last_modified: DateTime::UNIX_EPOCH,
                size: output.bytes,
                e_tag: Some(output.etag.clone()),
                version: None,
            };
            (location, (output.key.clone(), meta))
        });
        Arc::new(Self { store: store.clone(), reads: reads.clone(), files: files.collect() })
    }

    fn find(&self, location: &Path) -> Result<&(String, ObjectMeta)> {
        self.files
            .get(location)
            .ok_or_else(|| Error::NotFound { path: location.to_string(), source: "no ledger entry names it".into() })
    }
}

impl fmt::Display for CommittedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

fn read_only<T>(operation: &str) -> Result<T> {
    Err(Error::NotSupported { source: format!("{operation}: the lake is read-only here").into() })
}

#[async_trait]
impl ObjectStore for CommittedFiles {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        read_only("put")
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        read_only("put")
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (key, meta) = self.find(location)?;
        let etag = meta.e_tag.as_deref().unwrap_or_default();
        let range = match options.range {
            None => 0..meta.size,
            Some(GetRange::Bounded(range)) => range.start.min(meta.size)..range.end.min(meta.size),
            Some(GetRange::Offset(start)) => start.min(meta.size)..meta.size,
            Some(GetRange::Suffix(length)) => meta.size.saturating_sub(length)..meta.size,
        };
        let bytes = match options.head {
            true => bytes::Bytes::new(),
            false => self.store.get_range(key, etag, range.clone()).await.map_err(|error| self.reads.fail(error))?,
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed()),
            meta: meta.clone(),
            range,
            attributes: Default::default(),
        })
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::once(async { read_only("delete") }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let within = |location: &Path| prefix.is_none_or(|prefix| location.prefix_matches(prefix));
        let found: Vec<_> =
            self.files.iter().filter(|(location, _)| within(location)).map(|(_, (_, meta))| Ok(meta.clone())).collect();
        stream::iter(found).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let objects = self.list(prefix).collect::<Vec<_>>().await.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(ListResult { common_prefixes: Vec::new(), objects })
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        read_only("copy")
    }
}
