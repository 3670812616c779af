//! What the ZIP archives of the worker have in common.

use std::io;

use zip::{CompressionMethod, DateTime, result::ZipError, write::SimpleFileOptions};

/// Options of a file that is stored without compression and with a fixed time, because it is
/// compressed already.
pub(crate) fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored).last_modified_time(DateTime::DEFAULT)
}

/// The error of an archive as one of its file.
pub(crate) fn io_error(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other),
    }
}
