//! Bytes on their way to and from S3, beside the async threads.

use std::fs::File;
use std::io::{self, Read, Seek};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::super::Body;

/// Parts of a multipart upload; also the most that one upload holds in memory.
pub const PART_BYTES: usize = 16 * 1024 * 1024;
/// A download that failed, in a way that is not taken for broken bytes.
pub fn broken_off(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, why)
}

/// A file read in upload parts, off the async threads.
pub struct FileParts {
    pub file: Option<File>,
    pub size: u64,
}

impl FileParts {
    /// From the file's beginning.
    pub fn open(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        let size = file.metadata()?.len();
        Ok(Self { file: Some(file), size })
    }

    /// The next part; empty at the end.
    pub async fn next_part(&mut self) -> io::Result<Bytes> {
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
pub struct Download {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    chunk: Bytes,
    etag: String,
}

impl Download {
    /// What comes through a channel, of the object's state with this ETag.
    pub fn new(receiver: mpsc::Receiver<io::Result<Bytes>>, etag: String) -> Self {
        Self { receiver, chunk: Bytes::new(), etag }
    }
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
