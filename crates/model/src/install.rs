use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::{Error, ModelEntry, Models, RuntimeEntry, Source, archive::extract};

/// Whether the one who installs has agreed to a licence that forbids commercial use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Not.
    None,
    /// Agreed.
    Given,
}

/// A file as it must be.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl Models {
    /// Whether `model` may be installed with this consent.
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
    /// If the licence was not accepted, or what is in the file is not what the registry means. Nothing is left then.
    pub fn install(&self, model: &ModelEntry, consent: Consent, file: &Path) -> Result<(), Error> {
        self.check_licence(model, consent)?;
        place(&self.wanted(model), &model.sources, file)
    }

    /// Installs the runtime library from `file`: the library itself, or a package that one of its sources names.
    ///
    /// # Errors
    /// If what is in the file is not what the registry means. Nothing is left then.
    pub fn install_runtime(&self, runtime: &RuntimeEntry, file: &Path) -> Result<(), Error> {
        let wanted = Wanted {
            id: "the runtime".to_owned(),
            path: self.folder().join(&runtime.file),
            bytes: runtime.bytes,
            sha256: runtime.sha256.clone(),
        };
        place(&wanted, &runtime.sources, file)
    }
}

/// Writes beside the final place, compares the hash, and only then gives the file its name.
fn place(wanted: &Wanted, sources: &[Source], file: &Path) -> Result<(), Error> {
    let folder = wanted.path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::io("making the folder for models"))?;
    let mut from = File::open(file).map_err(Error::io("opening the file"))?;
    let mut members: Vec<Option<&str>> = sources.iter().map(|source| source.member.as_deref()).collect();
    members.push(None);
    let mut last = Error::Damaged { id: wanted.id.clone() };
    for member in members {
        let staged = tempfile::Builder::new().prefix(".install-").tempfile_in(folder);
        let mut staged = Hashing::new(staged.map_err(Error::io("writing into the folder for models"))?);
        // A byte more than is wanted shows that there is more.
        let copied = match extract(&mut from, member, wanted.bytes + 1, &mut staged) {
            Ok(copied) => copied,
            Err(error @ Error::NotInPackage { .. }) => {
                last = error;
                continue;
            }
            Err(error) => return Err(error),
        };
        if copied == wanted.bytes && hex::encode(staged.hash.finalize()) == wanted.sha256 {
            staged.file.as_file().sync_all().map_err(Error::io("writing a model"))?;
            let placed =
                staged.file.persist(&wanted.path).map_err(|error| Error::io("placing a model")(error.error))?;
            return readable(&placed);
        }
        if member.is_some() {
            last = Error::Damaged { id: wanted.id.clone() };
        }
    }
    Err(last)
}

/// Others who serve from the same folder may read it.
fn readable(file: &File) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(fs::Permissions::from_mode(0o644)).map_err(Error::io("placing a model"))?;
    }
    file.sync_all().map_err(Error::io("placing a model"))
}

/// Writes and hashes.
struct Hashing {
    file: NamedTempFile,
    hash: Sha256,
}

impl Hashing {
    fn new(file: NamedTempFile) -> Self {
        Self { file, hash: Sha256::new() }
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
