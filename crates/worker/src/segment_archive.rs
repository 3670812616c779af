//! The stored form of a cut segment: its files in one uncompressed ZIP archive.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Write as _},
    path::Path,
};

use zip::{ZipArchive, ZipWriter};

use crate::zip_options::{io_error, stored};

/// Writes the files in `folder` into the new archive `archive`.
///
/// # Errors
/// If a file cannot be read or written, or `folder` holds another folder.
pub(crate) fn pack(folder: &Path, archive: &Path) -> io::Result<()> {
    let mut zip = ZipWriter::new(BufWriter::new(File::create_new(archive)?));
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let mut file = File::open(entry.path())?;
        // Segments of large clips exceed the 4 GiB of the first format.
        zip.start_file_from_path(entry.file_name(), stored().large_file(true)).map_err(io_error)?;
        io::copy(&mut file, &mut zip)?;
    }
    zip.finish().map_err(io_error)?.flush()
}

/// Writes the files of the archive `archive` into the new folder `folder`.
///
/// # Errors
/// If a file cannot be read or written, or has a name that leads out of `folder`.
pub(crate) fn unpack(archive: &Path, folder: &Path) -> io::Result<()> {
    let mut zip = ZipArchive::new(BufReader::new(File::open(archive)?)).map_err(io_error)?;
    fs::create_dir(folder)?;
    for place in 0..zip.len() {
        let mut packed = zip.by_index(place).map_err(io_error)?;
        let name = packed.enclosed_name().filter(|name| name.components().count() == 1);
        let name = name.ok_or_else(|| io::Error::other("a segment holds a file with an invalid name"))?;
        let mut file = BufWriter::new(File::create_new(folder.join(name))?);
        io::copy(&mut packed, &mut file)?;
        file.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_segment_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, archive, copy) = (dir.path().join("cut"), dir.path().join("a.zip"), dir.path().join("copy"));
        fs::create_dir(&folder).unwrap();
        for (name, text) in [("color.ivf", "colors"), ("segment.json", "")] {
            fs::write(folder.join(name), text).unwrap();
        }
        pack(&folder, &archive).unwrap();
        unpack(&archive, &copy).unwrap();
        assert_eq!(fs::read_dir(&copy).unwrap().count(), 2);
        assert_eq!(fs::read_to_string(copy.join("color.ivf")).unwrap(), "colors");
        assert_eq!(fs::read_to_string(copy.join("segment.json")).unwrap(), "");
        assert!(fs::read(&archive).unwrap().windows(6).any(|bytes| bytes == b"colors"), "it is compressed");
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_is_refused() {
        for name in ["../x", "a/x"] {
            let dir = tempfile::tempdir().unwrap();
            let archive = dir.path().join("a.zip");
            let mut zip = ZipWriter::new(File::create(&archive).unwrap());
            zip.start_file(name, stored()).unwrap();
            zip.finish().unwrap();
            assert!(unpack(&archive, &dir.path().join("copy")).is_err(), "{name}");
            assert!(!dir.path().join("x").exists(), "{name}");
        }
    }
}
