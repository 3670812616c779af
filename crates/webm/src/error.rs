use std::io;

/// Why a WebM file was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The writer failed.
    #[error("the WebM file could not be written")]
    Write(#[source] io::Error),
    /// A reader failed.
    #[error("an encoded stream could not be read")]
    Read(#[source] io::Error),
    /// An encoder wrote something else than was asked of it.
    #[error("an encoded stream is not what it should be: {0}")]
    Stream(&'static str),
}
