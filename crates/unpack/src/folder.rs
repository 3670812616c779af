//! A ZIP archive of a folder of images, read by the `zip` crate: its files one after the other, as
//! bytes in memory. Images are decoded elsewhere.

use std::{
    collections::HashSet,
    io::{Read, Seek, Write},
};

use clearcut_job::{ImageCutRequest, PackedState, StillFormat, UnpackFailure};
use zip::ZipArchive;

use crate::{images::failure, names::is_hidden};

/// Limits of an archive of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderLimits {
    /// Number of files.
    pub max_files: usize,
    /// Bytes of one file.
    pub max_file_bytes: u64,
    /// Bytes of all files that are read.
    pub max_bytes: u64,
}

/// Writes the files of `archive` to `out`: their number, then of each its name, its state and its
/// bytes. All numbers have 64 bits, little-endian; names and bytes have their length before them.
/// Folders, hidden files and what systems add to archives are left out, except from the bundle of a
/// server, whose files were sent one by one. Of a file that is no image,
/// only the first bytes are written, which say so.
///
/// # Errors
/// The reason why the archive cannot be read.
pub fn unpack_folder(
    archive: impl Read + Seek,
    limits: &FolderLimits,
    mut out: impl Write,
) -> Result<(), UnpackFailure> {
    let mut archive = ZipArchive::new(archive).map_err(|error| failure(&error))?;
    let files = files_in(&mut archive)?;
    if files.is_empty() {
        return Err(UnpackFailure::NoImages);
    }
    if files.len() > limits.max_files {
        return Err(UnpackFailure::TooManyImages);
    }
    write_number(&mut out, files.len() as u64)?;
    // An archive can hold one large file under many names.
    let mut left = limits.max_bytes;
    for (place, name) in files {
        let (state, bytes) = read_file(&mut archive, place, limits.max_file_bytes, &mut left)?;
        write_bytes(&mut out, name.as_bytes())?;
        write_number(&mut out, state as u64)?;
        write_bytes(&mut out, &bytes)?;
    }
    out.flush().map_err(|_| UnpackFailure::Io)
}

/// The places and names of the files, in the order of the archive.
fn files_in<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<Vec<(usize, String)>, UnpackFailure> {
    let is_bundle = archive.comment() == ImageCutRequest::BUNDLE_COMMENT;
    let (mut files, mut headers) = (Vec::new(), HashSet::new());
    for place in 0..archive.len() {
        let entry = archive.by_index_raw(place).map_err(|error| failure(&error))?;
        let name = entry.name().map_err(|error| failure(&error))?;
        if entry.is_dir() || !is_bundle && name.split(['/', '\\']).any(is_hidden) {
            continue;
        }
        // One file under many names would become many images.
        if !headers.insert(entry.header_start()) {
            return Err(UnpackFailure::Damaged);
        }
        if entry.encrypted() {
            return Err(UnpackFailure::Encrypted);
        }
        files.push((place, name.into_owned()));
    }
    Ok(files)
}

/// One file. Its bytes are taken from those that are `left` to read.
fn read_file<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    place: usize,
    max_bytes: u64,
    left: &mut u64,
) -> Result<(PackedState, Vec<u8>), UnpackFailure> {
    let Ok(mut entry) = archive.by_index(place) else { return Ok((PackedState::Damaged, Vec::new())) };
    let mut bytes = Vec::new();
    // The size in the archive is a claim; what is read is bounded.
    let mut read = |bytes: &mut Vec<u8>, max: u64| entry.by_ref().take(max).read_to_end(bytes).is_ok();
    let is_whole = read(&mut bytes, StillFormat::SNIFF_BYTES as u64)
        && (StillFormat::sniff(&bytes).is_err() || read(&mut bytes, max_bytes));
    *left = left.checked_sub(bytes.len() as u64).ok_or(UnpackFailure::TooManyBytes)?;
    Ok(match bytes.len() as u64 > max_bytes {
        true => (PackedState::TooLarge, Vec::new()),
        false if is_whole => (PackedState::Whole, bytes),
        false => (PackedState::Damaged, Vec::new()),
    })
}

fn write_number(out: &mut impl Write, number: u64) -> Result<(), UnpackFailure> {
    out.write_all(&number.to_le_bytes()).map_err(|_| UnpackFailure::Io)
}

fn write_bytes(out: &mut impl Write, bytes: &[u8]) -> Result<(), UnpackFailure> {
    write_number(out, bytes.len() as u64)?;
    out.write_all(bytes).map_err(|_| UnpackFailure::Io)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    const LIMITS: FolderLimits = FolderLimits { max_files: 5, max_file_bytes: 10_000, max_bytes: 30_000 };

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// The files that come out: name, state, number of bytes.
    fn unpacked(archive: &[u8]) -> Result<Vec<(String, u64, usize)>, UnpackFailure> {
        let mut out = Vec::new();
        unpack_folder(Cursor::new(archive), &LIMITS, &mut out)?;
        let mut rest = out.as_slice();
        let mut number = || {
            let (number, behind) = rest.split_first_chunk().unwrap();
            let number = u64::from_le_bytes(*number);
            rest = behind;
            number
        };
        let files = number();
        let mut listed = Vec::new();
        for _ in 0..files {
            let take = |rest: &mut &[u8], length: u64| rest.split_off(..length as usize).unwrap().to_vec();
            let (length, behind) = rest.split_first_chunk().unwrap();
            rest = behind;
            let name = take(&mut rest, u64::from_le_bytes(*length));
            let (state, behind) = rest.split_first_chunk().unwrap();
            let (length, behind) = behind.split_first_chunk().unwrap();
            rest = behind;
            let bytes = take(&mut rest, u64::from_le_bytes(*length));
            listed.push((String::from_utf8(name).unwrap(), u64::from_le_bytes(*state), bytes.len()));
        }
        assert!(rest.is_empty());
        Ok(listed)
    }

    fn jpeg(bytes: usize) -> Vec<u8> {
        [b"\xFF\xD8\xFF\xE0".to_vec(), vec![7; bytes - 4]].concat()
    }

    #[test]
    fn files_come_out_in_order_without_what_systems_add() {
        let (image, noise) = (jpeg(9000), vec![b'x'; 9000]);
        let files = [
            ("b/", &b""[..]),
            ("b/2.jpg", &image),
            ("__MACOSX/b/._2.jpg", b"x"),
            ("b/.DS_Store", b"x"),
            ("b/Thumbs.db", b"x"),
            ("notes.pdf", &noise),
            ("../1.jpg", &image),
        ];
        let whole = PackedState::Whole as u64;
        let expected =
            [("b/2.jpg", whole, 9000), ("notes.pdf", whole, StillFormat::SNIFF_BYTES), ("../1.jpg", whole, 9000)];
        assert_eq!(unpacked(&archive(&files)).unwrap(), expected.map(|(name, s, bytes)| (name.to_owned(), s, bytes)));
    }

    #[test]
    fn a_bad_file_is_marked_and_a_bad_archive_refused() {
        let (image, large) = (jpeg(9000), jpeg(10_001));
        let mut packed = archive(&[("a.jpg", &image), ("large.jpg", &large), ("b.jpg", &image)]);
        let states = |files: Vec<(String, u64, usize)>| files.into_iter().map(|file| file.1).collect::<Vec<_>>();
        let [whole, damaged, too_large] =
            [PackedState::Whole, PackedState::Damaged, PackedState::TooLarge].map(|state| state as u64);
        assert_eq!(states(unpacked(&packed).unwrap()), [whole, too_large, whole]);
        // Compressed bytes of the first file.
        packed[36..40].fill(0xAA);
        assert_eq!(states(unpacked(&packed).unwrap()), [damaged, too_large, whole]);
        packed.truncate(packed.len() - 30);
        assert_eq!(unpacked(&packed), Err(UnpackFailure::Damaged));
        assert_eq!(unpacked(&archive(&[(".DS_Store", b"x")])), Err(UnpackFailure::NoImages));
        assert_eq!(unpacked(&archive(&[])), Err(UnpackFailure::NoImages));
        let names = ["1", "2", "3", "4", "5", "6"];
        assert_eq!(unpacked(&archive(&names.map(|name| (name, &image[..])))), Err(UnpackFailure::TooManyImages));
        assert_eq!(
            unpacked(&archive(&names[..4].iter().map(|name| (*name, &image[..])).collect::<Vec<_>>())),
            Err(UnpackFailure::TooManyBytes)
        );
    }
}
