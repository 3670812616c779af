//! Boxes of a MOV: finding one in another, and reading the index of a file. A malformed box ends
//! its siblings, so what is looked for behind it is not found.

use std::{fs::File, os::unix::fs::FileExt as _};

use super::Fault;

/// Longest index in bytes. Six hours of 60 frames per second with sound take about 40 MiB.
const MAX_INDEX_BYTES: u64 = 256 << 20;

/// `COUNT` bytes at an offset; `None` beyond the end.
pub(super) fn bytes_at<const COUNT: usize>(bytes: &[u8], at: usize) -> Option<[u8; COUNT]> {
    bytes.get(at..)?.first_chunk().copied()
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_be_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_be_bytes)
}

/// Names and contents of the boxes in `bytes`, up to a malformed one.
pub(super) fn boxes(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let name = rest.get(4..)?.first_chunk()?;
        let (header, size) = match u32_at(rest, 0)? {
            0 => (8, rest.len()), // Up to the end.
            1 => (16, usize::try_from(u64::from_be_bytes(bytes_at(rest, 8)?)).ok()?),
            size => (8, size as usize),
        };
        let (whole, after) = rest.split_at_checked(size)?;
        rest = after;
        Some((name, whole.get(header..)?))
    })
}

/// The content of the first box with this name.
pub(super) fn find_box(bytes: &[u8], name: [u8; 4]) -> Option<&[u8]> {
    boxes(bytes).find(|(other, _)| **other == name).map(|(_, content)| content)
}

/// The content of a box in a box in a box, by their names from the outermost.
pub(super) fn find_path<'a>(bytes: &'a [u8], path: &[[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, name| find_box(bytes, *name))
}

/// The content of the file's `moov` box.
pub(super) fn read_index(file: &File) -> Result<Vec<u8>, Fault> {
    let no_index = || Fault::finding("it has no index");
    let end = file.metadata()?.len();
    let mut at = 0;
    while at < end {
        let mut head = [0; 16];
        let read = file.read_at(&mut head, at)?;
        let head = &head[..read];
        let (header, size) = match u32_at(head, 0).ok_or_else(no_index)? {
            0 => (8, end - at),
            1 => (16, bytes_at(head, 8).map(u64::from_be_bytes).ok_or_else(no_index)?),
            size => (8, size.into()),
        };
        let content = size.checked_sub(header).filter(|_| size <= end - at).ok_or_else(no_index)?;
        if bytes_at(head, 4) == Some(*b"moov") {
            if content > MAX_INDEX_BYTES {
                return Err(Fault::finding("its index is too long"));
            }
            let mut index = vec![0; content as usize];
            file.read_exact_at(&mut index, at + header)?;
            return Ok(index);
        }
        at += size;
    }
    Err(no_index())
}

#[cfg(test)]
pub(super) fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), name.as_slice(), content].concat()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn index_of(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        read_index(&file)
    }

    #[test]
    fn the_index_is_found_behind_boxes_of_every_size_field() {
        let index = boxed(*b"moov", &boxed(*b"trak", b"abc"));
        let large = [&[0, 0, 0, 1], b"mdat".as_slice(), &20_u64.to_be_bytes(), b"data"].concat();
        let last = [&[0; 4], b"moov".as_slice(), &boxed(*b"trak", b"abc")].concat();
        for file in [index.clone(), [large.as_slice(), &index].concat(), [large, last].concat()] {
            assert_eq!(find_box(&index_of(&file).unwrap(), *b"trak"), Some(b"abc".as_slice()));
        }
    }

    #[test]
    fn damaged_files_have_no_index() {
        let file = [boxed(*b"ftyp", b"qt  "), boxed(*b"moov", b"content")].concat();
        for length in 0..file.len() {
            assert!(matches!(index_of(&file[..length]), Err(Fault::Finding(_))), "{length}");
        }
        for size in [7_u32, 2, u32::MAX] {
            assert!(matches!(index_of(&[&size.to_be_bytes(), b"moov".as_slice()].concat()), Err(Fault::Finding(_))));
        }
        let huge = [&[0, 0, 0, 1], b"moov".as_slice(), &u64::MAX.to_be_bytes()].concat();
        assert!(matches!(index_of(&huge), Err(Fault::Finding(_))));
        assert_eq!(boxes(&huge).count(), 0);
    }
}
