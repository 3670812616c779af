//! Installation of models, runtime libraries and ffmpeg: unpacks the file, checks its hash, and only then
//! gives it its name.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::{Error, ModelEntry, Models, NativeEntry, Source, archive::extract};

/// Consent of the installing user to a licence that forbids commercial use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// No consent.
    None,
    /// Consent given.
    Given,
}

/// A file as the registry describes it.
#[derive(Debug)]
struct ExpectedFile {
    id: String,
    path: PathBuf,
    bytes: u64,
    sha256: String,
    /// Whether it is a program.
    is_executable: bool,
}

impl Models {
    /// Checks that `model` may be installed with this consent.
    ///
    /// # Errors
    /// [`Error::LicenceNotAccepted`].
    pub fn check_licence(&self, model: &ModelEntry, consent: Consent) -> Result<(), Error> {
        if model.commercial || consent == Consent::Given {
            return Ok(());
        }
        Err(Error::LicenceNotAccepted { id: model.id.clone(), licence: model.licence.clone() })
    }

    /// Installs `model` from `file`: the model itself, or a package that one of its sources names.
    ///
    /// # Errors
    /// If the licence was not accepted, or the file is not the one in the registry. Nothing is left
    /// behind then.
    pub fn install(&self, model: &ModelEntry, consent: Consent, file: &Path) -> Result<(), Error> {
        self.check_licence(model, consent)?;
        let expected = ExpectedFile {
            id: model.id.clone(),
            path: self.path(model),
            bytes: model.bytes,
            sha256: model.sha256.clone(),
            is_executable: false,
        };
        place(&expected, &model.sources, file)
    }

    /// Installs the runtime library from `file`: the library itself, or a package that one of its
    /// sources names.
    ///
    /// # Errors
    /// If the file is not the one in the registry. Nothing is left behind then.
    pub fn install_runtime(&self, runtime: &NativeEntry, file: &Path) -> Result<(), Error> {
        let expected = ExpectedFile {
            id: "the runtime".to_owned(),
            path: self.folder().join(&runtime.file),
            bytes: runtime.bytes,
            sha256: runtime.sha256.clone(),
            is_executable: false,
        };
        place(&expected, &runtime.sources, file)
    }

    /// Installs the ffmpeg for hevc-alpha from `file`: the program itself, or a package that one of its
    /// sources names.
    ///
    /// # Errors
    /// If the file is not the one in the registry. Nothing is left behind then.
    pub fn install_ffmpeg(&self, ffmpeg: &NativeEntry, file: &Path) -> Result<(), Error> {
        let expected = ExpectedFile {
            id: "ffmpeg".to_owned(),
            path: self.ffmpeg_folder().join(&ffmpeg.file),
            bytes: ffmpeg.bytes,
            sha256: ffmpeg.sha256.clone(),
            is_executable: true,
        };
        place(&expected, &ffmpeg.sources, file)
    }
}

/// Writes the file beside its final place, compares the hash, and only then gives it its name.
fn place(expected: &ExpectedFile, sources: &[Source], file: &Path) -> Result<(), Error> {
    let folder = expected.path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("making the folder for models"))?;
    let mut from = File::open(file).map_err(Error::io("opening the file"))?;
    let mut members: Vec<Option<&str>> = sources.iter().map(|source| source.member.as_deref()).collect();
    members.push(None);
    let mut last = Error::Damaged { id: expected.id.clone() };
    for member in members {
        let staged = tempfile::Builder::new().prefix(".install-").tempfile_in(folder);
        let mut staged = HashingWriter::new(staged.map_err(Error::io("writing into the folder for models"))?);
        // One byte more than expected reveals a longer file.
        let copied = match extract(&mut from, member, expected.bytes + 1, &mut staged) {
            Ok(copied) => copied,
            Err(error @ Error::NotInPackage { .. }) => {
                last = error;
                continue;
            }
            Err(error) => return Err(error),
        };
        if copied == expected.bytes && hex::encode(staged.hash.finalize()) == expected.sha256 {
            staged.file.as_file().sync_all().map_err(Error::io("writing a model"))?;
            let placed =
                staged.file.persist(&expected.path).map_err(|error| Error::io("placing a model")(error.error))?;
            return make_usable(&placed, expected.is_executable);
        }
        if member.is_some() {
            last = Error::Damaged { id: expected.id.clone() };
        }
    }
    Err(last)
}

/// Makes the file usable for other users who serve from the same folder.
fn make_usable(file: &File, is_executable: bool) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if is_executable { 0o755 } else { 0o644 };
        file.set_permissions(fs::Permissions::from_mode(mode)).map_err(Error::io("placing a model"))?;
    }
    file.sync_all().map_err(Error::io("placing a model"))
}

/// A writer that hashes the bytes it writes.
struct HashingWriter {
    file: NamedTempFile,
    hash: Sha256,
}

impl HashingWriter {
    fn new(file: NamedTempFile) -> Self {
        Self { file, hash: Sha256::new() }
    }
}

impl Write for HashingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
