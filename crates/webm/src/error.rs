//! Errors of the muxer.

use std::io;

/// The reason a WebM file was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The writer failed.
    #[error("the WebM file could not be written")]
    Write(#[source] io::Error),
    /// A reader failed.
    #[error("an encoded stream could not be read")]
    Read(#[source] io::Error),
    /// An encoded stream is malformed or does not match the others.
    #[error("invalid encoded stream: {0}")]
    Stream(&'static str),
}
