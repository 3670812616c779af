//! Extraction of a single file from a downloaded package.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write},
};

use flate2::read::GzDecoder;

use crate::Error;

/// First bytes of a zip archive and of a gzip stream.
const ZIP: [u8; 4] = *b"PK\x03\x04";
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Writes the wanted part of `file` to `to`: the file itself, or its `member` if it is a package (a
/// wheel or another zip, or an npm tarball). Stops after `max_bytes`, so that a package cannot
/// unpack without end.
///
/// # Errors
/// If the package does not hold the member or cannot be read.
pub(crate) fn extract(
    file: &mut File,
    member: Option<&str>,
    max_bytes: u64,
    to: &mut impl Write,
) -> Result<u64, Error> {
    let mut head = Vec::new();
    let peeked = file.rewind().and_then(|()| io::Read::by_ref(file).take(4).read_to_end(&mut head));
    peeked.and_then(|_| file.rewind()).map_err(Error::io("reading the file"))?;
    let absent = |member: &str| Error::NotInPackage { member: member.to_owned() };
    let copied = match member {
        Some(member) if head == ZIP => {
            let mut archive = zip::ZipArchive::new(file).map_err(|_| absent(member))?;
            let member_file = archive.by_name(member).map_err(|_| absent(member))?;
            io::copy(&mut member_file.take(max_bytes), to)
        }
        Some(member) if head.starts_with(&GZIP) => {
            let mut archive = tar::Archive::new(GzDecoder::new(file));
            let entries = archive.entries().map_err(|_| absent(member))?;
            let is_member = |entry: &tar::Entry<_>| entry.path_bytes().as_ref() == member.as_bytes();
            let member_file = entries.filter_map(Result::ok).find(is_member).ok_or_else(|| absent(member))?;
            io::copy(&mut member_file.take(max_bytes), to)
        }
        _ => io::copy(&mut file.take(max_bytes), to),
    };
    copied.map_err(Error::io("unpacking"))
}
