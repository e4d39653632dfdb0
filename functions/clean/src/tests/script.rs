//! A store that runs a script around each of its operations.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use lake::store::{Backend, Condition, Failure, Object, Reading, Result, Store, StoreError};

/// An operation, before or after it takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    AfterRead,
    BeforePut,
    AfterPut,
    BeforeDelete,
}

type Script = Box<dyn Fn(At, String) -> BoxFuture<'static, Result<()>> + Send + Sync>;

struct Scripted {
    inner: Store,
    script: Script,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

/// `inner` with a script.
pub fn scripted(
    inner: &Store,
    script: impl Fn(At, String) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
) -> Store {
    Store::of(Scripted { inner: inner.clone(), script: Box::new(script) })
}

/// A script that acts at the `nth` time (from 1) that `at` comes.
pub fn nth(
    at: At,
    nth: usize,
    act: impl Fn() -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
) -> impl Fn(At, String) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static {
    let seen = Arc::new(AtomicUsize::new(0));
    move |now, _| {
        if now == at && seen.fetch_add(1, Ordering::SeqCst) + 1 == nth { act() } else { Box::pin(async { Ok(()) }) }
    }
}

/// What a killed writer, or one whose answer is lost, sees.
pub fn killed() -> BoxFuture<'static, Result<()>> {
    let error = StoreError { failure: Failure::Other, action: "write", url: String::new(), why: "killed".to_owned() };
    Box::pin(async { Err(error) })
}

impl Scripted {
    async fn at(&self, at: At, key: &str) -> Result<()> {
        (self.script)(at, key.to_owned()).await
    }
}

#[async_trait]
impl Backend for Scripted {
    fn url(&self, key: &str) -> String {
        self.inner.url(key)
    }
    async fn list(&self, prefix: &str) -> Result<Vec<Object>> {
        self.inner.list(prefix).await
    }
    async fn head(&self, key: &str) -> Result<Option<Object>> {
        self.inner.head(key).await
    }
    async fn get(&self, key: &str) -> Result<Option<(Object, Bytes)>> {
        self.inner.get(key).await
    }
    async fn get_range(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes> {
        self.inner.get_range(key, etag, range).await
    }
    async fn read(&self, key: &str) -> Result<Option<Reading>> {
        let reading = self.inner.read(key).await?;
        self.at(At::AfterRead, key).await?;
        Ok(reading)
    }
    async fn put(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<Object> {
        self.at(At::BeforePut, key).await?;
        let object = self.inner.put(key, bytes, condition).await?;
        self.at(At::AfterPut, key).await?;
        Ok(object)
    }
    async fn put_file(&self, key: &str, file: File, condition: Condition) -> Result<Object> {
        self.at(At::BeforePut, key).await?;
        let object = self.inner.put_file(key, file, condition).await?;
        self.at(At::AfterPut, key).await?;
        Ok(object)
    }
    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.at(At::BeforeDelete, key).await?;
        self.inner.delete(key, condition).await
    }
    async fn root_is_there(&self) -> Result<bool> {
        self.inner.root_is_there().await
    }
    async fn leftovers(&self, _: bool) -> Result<Vec<String>> {
        self.inner.leftovers().await
    }
}
