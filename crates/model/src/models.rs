use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clearcut_matte::SegmentationModel;
use sha2::{Digest as _, Sha256};

use crate::{Error, ModelEntry, Registry, Runtime, install::Wanted};

/// The user's own registry beside the files.
const OWN_REGISTRY: &str = "models.toml";

/// A folder of installed models under a registry.
#[derive(Debug, Clone)]
pub struct Models {
    folder: PathBuf,
    registry: Registry,
}

/// Whether a model is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is not.
    Missing,
    /// A file of its size is; its hash is looked at when it is loaded or verified.
    Installed,
    /// A file is, but not that of the registry.
    Damaged,
}

impl Models {
    /// The models in `folder`, which need not exist yet; a `models.toml` in it adds to the built-in registry.
    ///
    /// # Errors
    /// If a registry is wrong or cannot be read.
    pub fn open(folder: PathBuf) -> Result<Self, Error> {
        let built_in = Registry::built_in()?;
        let registry = match fs::read_to_string(folder.join(OWN_REGISTRY)) {
            Ok(text) => built_in.with(Registry::parse(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => built_in,
            Err(error) => return Err(Error::io("reading models.toml")(error)),
        };
        Ok(Self { folder, registry })
    }

    /// All that is known.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Where the files lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the file of `model` lies or would lie.
    #[must_use]
    pub fn path(&self, model: &ModelEntry) -> PathBuf {
        self.folder.join(format!("{}.onnx", model.id))
    }

    /// Where a runtime library lies or would lie that was installed here.
    #[must_use]
    pub fn runtime_path(&self) -> Option<PathBuf> {
        self.registry.runtime().map(|runtime| self.folder.join(&runtime.file))
    }

    /// Whether `model` is here, told from the size of its file alone.
    #[must_use]
    pub fn state(&self, model: &ModelEntry) -> State {
        match self.path(model).metadata() {
            Ok(meta) if meta.is_file() && meta.len() == model.bytes => State::Installed,
            Ok(_) => State::Damaged,
            Err(_) => State::Missing,
        }
    }

    /// The model to use where none was named: the first of the registry that is installed, else its first.
    #[must_use]
    pub fn default_model(&self) -> Option<&ModelEntry> {
        let installed = self.registry.models.iter().find(|model| self.state(model) == State::Installed);
        installed.or_else(|| self.registry.models.first())
    }

    /// Reads the file of `model` and compares its hash with that of the registry.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`], or why it cannot be read.
    pub fn verify(&self, model: &ModelEntry) -> Result<(), Error> {
        self.read(model).map(drop)
    }

    /// Removes the file of `model`; says whether there was one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, model: &ModelEntry) -> Result<bool, Error> {
        removed(&self.path(model))
    }

    /// Removes the runtime library that was installed here; says whether there was one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_runtime(&self) -> Result<bool, Error> {
        self.runtime_path().map_or(Ok(false), |path| removed(&path))
    }

    /// Loads `model` into `runtime`, as a model that works on the thread that asks it. The very bytes whose hash was looked
    /// at are those that run.
    ///
    /// # Errors
    /// If the file is missing or damaged, or nothing here can run it.
    pub fn load(&self, model: &ModelEntry, runtime: &Runtime) -> Result<Box<dyn SegmentationModel>, Error> {
        runtime.load(model, self.read(model)?)
    }

    /// What is wanted in place of the file of `model`.
    pub(crate) fn wanted(&self, model: &ModelEntry) -> Wanted {
        Wanted { id: model.id.clone(), path: self.path(model), bytes: model.bytes, sha256: model.sha256.clone() }
    }

    fn read(&self, model: &ModelEntry) -> Result<Vec<u8>, Error> {
        let id = || model.id.clone();
        let bytes = match fs::read(self.path(model)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Missing { id: id() }),
            Err(error) => return Err(Error::io("reading a model")(error)),
        };
        let is_whole = bytes.len() as u64 == model.bytes && hex::encode(Sha256::digest(&bytes)) == model.sha256;
        if is_whole { Ok(bytes) } else { Err(Error::Damaged { id: id() }) }
    }
}

fn removed(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("removing a file")(error)),
    }
}
