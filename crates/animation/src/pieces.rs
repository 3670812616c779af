//! Reading of the pieces of an animation, files that this crate wrote, chunk by chunk.

use std::io::{ErrorKind, Read};

use crate::Error;

/// What a file of this crate stores, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredPart<'a> {
    /// The size of the canvas and the kind of its pixels.
    Canvas(&'a [u8]),
    /// The beginning of a patch: its position, its size, how long it is shown, and how it is drawn.
    Patch(&'a [u8]),
    /// The compressed pixels of the patch, or a part of them.
    Pixels(&'a [u8]),
}

/// One chunk of a file.
pub(crate) struct Chunk {
    pub(crate) name: [u8; 4],
    pub(crate) content: Vec<u8>,
}

/// Skips the beginning of a file, which must be `expected`; a 0 in it stands for any byte.
pub(crate) fn skip_start(file: &mut impl Read, expected: &[u8]) -> Result<(), Error> {
    let mut start = vec![0; expected.len()];
    read(file, &mut start)?;
    let is_as_expected = expected.iter().zip(&start).all(|(expected, byte)| *expected == 0 || expected == byte);
    if is_as_expected { Ok(()) } else { Err(Error::Piece) }
}

/// The next chunk of a WebP; `None` at the end.
pub(crate) fn next_riff_chunk(file: &mut impl Read) -> Result<Option<Chunk>, Error> {
    let Some(head) = head(file)? else { return Ok(None) };
    let [name, length] = head;
    let chunk = Chunk { name, content: content(file, u32::from_le_bytes(length))? };
    read(file, &mut [0][..chunk.content.len() % 2])?;
    Ok(Some(chunk))
}

/// The next chunk of a PNG, whose checksum must be right; `None` at the end.
pub(crate) fn next_png_chunk(file: &mut impl Read) -> Result<Option<Chunk>, Error> {
    let Some(head) = head(file)? else { return Ok(None) };
    let [length, name] = head;
    let chunk = Chunk { name, content: content(file, u32::from_be_bytes(length))? };
    let (mut checksum, mut expected) = ([0; 4], crc32fast::Hasher::new());
    read(file, &mut checksum)?;
    expected.update(&chunk.name);
    expected.update(&chunk.content);
    if u32::from_be_bytes(checksum) == expected.finalize() { Ok(Some(chunk)) } else { Err(Error::Piece) }
}

/// The two words before the content of a chunk; `None` at the end of the file.
fn head(file: &mut impl Read) -> Result<Option<[[u8; 4]; 2]>, Error> {
    let mut first = [0; 4];
    match file.read_exact(&mut first[..1]) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    read(file, &mut first[1..])?;
    let mut second = [0; 4];
    read(file, &mut second)?;
    Ok(Some([first, second]))
}

fn content(file: &mut impl Read, length: u32) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    file.by_ref().take(length.into()).read_to_end(&mut content)?;
    if content.len() == length as usize { Ok(content) } else { Err(Error::Piece) }
}

fn read(file: &mut impl Read, buffer: &mut [u8]) -> Result<(), Error> {
    file.read_exact(buffer).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => Error::Piece,
        _ => Error::Write(error),
    })
}
