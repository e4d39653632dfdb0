//! The bytes of one state of an object, and the proof of which state that was.

use std::fmt;
use std::io::{self, Read};

use super::Object;

/// The bytes of an object on their way to a reader.
pub trait Body: Read + Send {
    /// After the last byte: the ETag of the bytes that were read. Fails if they are not those of one state.
    fn etag(&mut self) -> io::Result<String>;
}

/// An object while it is read. A local object is hashed while it is read, so its ETag is known at the end only.
pub struct Reading {
    object: Object,
    body: Box<dyn Body>,
}

impl Reading {
    /// A reading of an object. Its ETag counts for nothing: `body` returns that of the bytes.
    pub fn new(object: Object, body: impl Body + 'static) -> Self {
        Self { object, body: Box::new(body) }
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.object.key
    }

    /// What was known of the object when it was opened, without its ETag.
    pub fn opened(&self) -> Object {
        Object { etag: String::new(), ..self.object.clone() }
    }

    /// Reads what is left and returns the object with the ETag of all bytes that were read. What was made of the bytes
    /// may be committed under this ETag only.
    pub fn finish(mut self) -> io::Result<Object> {
        io::copy(&mut self.body, &mut io::sink())?;
        Ok(Object { etag: self.body.etag()?, ..self.object })
    }
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("object", &self.object).finish_non_exhaustive()
    }
}
