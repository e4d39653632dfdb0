//! Rows and finished files of many partitions, in one temporary file: a process has few open files.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use lake::draft::{Content, Drafted};

use crate::error::Stop;

/// A file that grows at its end. Made when the first bytes come.
#[derive(Debug, Default)]
pub struct Spill {
    file: Option<Arc<Mutex<File>>>,
    end: u64,
}

/// Where a batch of rows stands in a [`Spill`].
#[derive(Debug)]
pub struct Spilled {
    start: u64,
    bytes: usize,
}

/// The bytes of a finished part.
#[derive(Debug)]
pub enum PartBytes {
    /// By themselves.
    Own(Drafted),
    /// A range of a file that others share.
    Shared {
        /// The file.
        file: Arc<Mutex<File>>,
        /// Where its bytes begin.
        start: u64,
        /// How many they are.
        bytes: u64,
        /// The hash of these bytes.
        hash: String,
    },
}

impl PartBytes {
    /// A file with these bytes and no others.
    pub fn into_drafted(self) -> io::Result<Drafted> {
        match self {
            PartBytes::Own(drafted) => Ok(drafted),
            PartBytes::Shared { file, start, bytes, hash } => {
                let mut own = tempfile::tempfile()?;
                let mut shared = file.lock().unwrap_or_else(PoisonError::into_inner);
                shared.seek(SeekFrom::Start(start))?;
                let copied = io::copy(&mut Read::take(&mut *shared, bytes), &mut own)?;
                if copied != bytes {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(Drafted { hash, bytes, content: Content::File(own) })
            }
        }
    }
}

impl Spill {
    fn file(&mut self) -> io::Result<Arc<Mutex<File>>> {
        if let Some(file) = &self.file {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(Mutex::new(tempfile::tempfile()?));
        Ok(Arc::clone(self.file.insert(file)))
    }

    /// Adds a batch of rows.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<Spilled, Stop> {
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
        writer.write(batch)?;
        let bytes = writer.into_inner()?;
        let file = self.file()?;
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.end))?;
        file.write_all(&bytes)?;
        let spilled = Spilled { start: self.end, bytes: bytes.len() };
        self.end += bytes.len() as u64;
        Ok(spilled)
    }

    /// Reads a batch back.
    pub fn read(&mut self, spilled: &Spilled) -> Result<RecordBatch, Stop> {
        let mut bytes = vec![0; spilled.bytes];
        let file = self.file()?;
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(spilled.start))?;
        // A temporary file that is too short is no object that is.
        file.read_exact(&mut bytes).map_err(|error| Stop::Broken(format!("temporary file: {error}")))?;
        let mut batches = StreamReader::try_new(Cursor::new(bytes), None)?;
        batches.next().ok_or_else(|| Stop::Broken("a temporary file lost rows".to_owned()))?.map_err(Stop::from)
    }

    /// Adds the bytes of a file, which is closed.
    pub fn take(&mut self, mut own: Drafted) -> io::Result<PartBytes> {
        let shared = self.file()?;
        let bytes = {
            let mut file = shared.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(self.end))?;
            io::copy(&mut own.content.reader()?, &mut *file)?
        };
        let start = self.end;
        self.end += bytes;
        Ok(PartBytes::Shared { file: shared, start, bytes, hash: own.hash })
    }
}
