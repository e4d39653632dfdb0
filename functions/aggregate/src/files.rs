//! The lake's committed Parquet objects, as DataFusion wants to see them: an object store that has exactly what the
//! ledger names, by numbers from 0, and reads ranges through the lake's own [`Store`].

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use futures::stream::{self, BoxStream, StreamExt};
use lake::ledger::Output;
use lake::store::{Failure, Store, StoreError};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

const NAME: &str = "the lake";
const SUFFIX: &str = ".parquet";
/// Objects up to this size are read whole when any of their bytes are: a request costs more than they do.
const SMALL: u64 = 256 * 1024;
/// How many of these are kept for the reads that follow. One task reads its files one after the other.
const KEPT: usize = 16;

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

/// Where an object's bytes are.
#[derive(Debug)]
enum Place {
    /// In the lake: store and key.
    Object(Store, String),
    /// In a temporary file: it is not committed yet.
    File(Arc<File>),
}

impl Place {
    async fn read(&self, etag: &str, range: Range<u64>) -> std::result::Result<Bytes, StoreError> {
        match self {
            Place::Object(store, key) => store.get_range(key, etag, range).await,
            Place::File(file) => {
                let file = Arc::clone(file);
                let read = move || {
                    let mut bytes = vec![0; usize::try_from(range.end - range.start).map_err(io::Error::other)?];
                    file.read_exact_at(&mut bytes, range.start)?;
                    Ok(Bytes::from(bytes))
                };
                let read = lake::work::run(read).await.map_err(io::Error::other).and_then(|read| read);
                read.map_err(|error| StoreError {
                    failure: Failure::Other,
                    action: "read",
                    url: "a temporary file".to_owned(),
                    why: error.to_string(),
                })
            }
        }
    }
}

/// Committed objects, and files that are to be, by their path in the engine.
#[derive(Debug, Clone)]
pub struct CommittedFiles {
    reads: Reads,
    files: Arc<[(Place, ObjectMeta)]>,
    /// Small objects that were read last, whole.
    small: Arc<Mutex<VecDeque<(Path, Bytes)>>>,
}

impl CommittedFiles {
    /// Objects of one zone, as those of `table`.
    pub fn of_objects<'a>(
        store: &Store,
        reads: &Reads,
        table: &str,
        outputs: impl IntoIterator<Item = &'a Output>,
    ) -> Self {
        let place = |output: &Output| Place::Object(store.clone(), output.key.clone());
        let file = |(number, output): (usize, &Output)| {
            (place(output), meta(path(table, number), output.bytes, Some(output.etag.clone())))
        };
        Self { reads: reads.clone(), files: outputs.into_iter().enumerate().map(file).collect(), small: Arc::default() }
    }

    /// Files that are not committed yet, as those of `table`.
    pub fn of_files(reads: &Reads, table: &str, files: Vec<File>) -> io::Result<Self> {
        let place = |(number, file): (usize, File)| {
            let size = file.metadata()?.len();
            Ok((Place::File(Arc::new(file)), meta(path(table, number), size, None)))
        };
        let files = files.into_iter().enumerate().map(place).collect::<io::Result<_>>()?;
        Ok(Self { reads: reads.clone(), files, small: Arc::default() })
    }

    /// Each file as the engine sees it, in their order.
    pub fn metas(&self) -> impl Iterator<Item = &ObjectMeta> {
        self.files.iter().map(|(_, meta)| meta)
    }

    /// Bytes of an object.
    async fn bytes(&self, place: &Place, meta: &ObjectMeta, range: Range<u64>) -> Result<Bytes> {
        let etag = meta.e_tag.as_deref().unwrap_or_default();
        let failed = |error| self.reads.fail(error);
        if meta.size > SMALL {
            return place.read(etag, range).await.map_err(failed);
        }
        let kept = || self.small.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().iter().find(|(location, _)| *location == meta.location).map(|(_, whole)| whole.clone());
        let whole = match known {
            Some(whole) => whole,
            None => {
                let whole = place.read(etag, 0..meta.size).await.map_err(failed)?;
                let mut kept = kept();
                if kept.len() >= KEPT {
                    kept.pop_front();
                }
                kept.push_back((meta.location.clone(), whole.clone()));
                whole
            }
        };
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(whole.len());
        let end = at(range.end);
        Ok(whole.slice(at(range.start).min(end)..end))
    }

    fn find(&self, location: &Path) -> Result<&(Place, ObjectMeta)> {
        let number: Option<usize> = location.filename().and_then(|number| number.strip_suffix(SUFFIX)?.parse().ok());
        number
            .and_then(|number| self.files.get(number))
            .ok_or_else(|| Error::NotFound { path: location.to_string(), source: "no ledger entry names it".into() })
    }
}

impl fmt::Display for CommittedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

/// The path of a file by its number: paths are in the order of numbers. What the engine remembers of a file it knows by
/// its path alone, so that two tables must not share one.
fn path(table: &str, number: usize) -> Path {
    Path::from_iter([table, &format!("{number:010}{SUFFIX}")])
}

fn meta(location: Path, size: u64, e_tag: Option<String>) -> ObjectMeta {
    ObjectMeta { location, last_modified: DateTime::UNIX_EPOCH, size, e_tag, version: None }
}

fn refuse<T>(operation: &str) -> Result<T> {
    Err(Error::NotSupported {
        source: format!("{operation}: files are only read here, by what the ledger names").into(),
    })
}

#[async_trait]
impl ObjectStore for CommittedFiles {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        refuse("put")
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        refuse("put")
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let (place, meta) = self.find(location)?;
        let range = match options.range {
            None => 0..meta.size,
            Some(GetRange::Bounded(range)) => range.start.min(meta.size)..range.end.min(meta.size),
            Some(GetRange::Offset(start)) => start.min(meta.size)..meta.size,
            Some(GetRange::Suffix(length)) => meta.size.saturating_sub(length)..meta.size,
        };
        let bytes = match options.head {
            true => Bytes::new(),
            false => self.bytes(place, meta, range.clone()).await?,
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed()),
            meta: meta.clone(),
            range,
            attributes: Default::default(),
        })
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        stream::once(async { refuse("delete") }).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::once(async { refuse("list") }).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        refuse("list")
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        refuse("copy")
    }
}
