//! The folder of installed models: states, paths, verification, removal and loading.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clearcut_matte::SegmentationModel;
use sha2::{Digest as _, Sha256};

use crate::{Error, ModelEntry, Registry, Runtime};

/// The user's own registry, beside the model files.
const USER_REGISTRY: &str = "models.toml";

/// A folder of installed models and its registry.
#[derive(Debug, Clone)]
pub struct Models {
    folder: PathBuf,
    registry: Registry,
}

/// Installation state of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is no file.
    Missing,
    /// There is a file of the right size. Its hash is checked when it is loaded or verified.
    Installed,
    /// There is a file of another size than in the registry, or not a regular file.
    Damaged,
}

impl Models {
    /// Opens the models in `folder`, which need not exist yet. A `models.toml` in it extends the
    /// built-in registry.
    ///
    /// # Errors
    /// If a registry is invalid or cannot be read.
    pub fn open(folder: PathBuf) -> Result<Self, Error> {
        let built_in = Registry::built_in()?;
        let registry = match fs::read_to_string(folder.join(USER_REGISTRY)) {
            Ok(text) => built_in.with(Registry::parse(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => built_in,
            Err(error) => return Err(Error::io("reading models.toml")(error)),
        };
        Ok(Self { folder, registry })
    }

    /// The registry: the built-in entries and the user's.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The folder of the files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of the file of `model`, whether or not it is installed.
    #[must_use]
    pub fn path(&self, model: &ModelEntry) -> PathBuf {
        self.folder.join(format!("{}.onnx", model.id))
    }

    /// Path of the runtime library in this folder, whether or not it is installed; `None` if the
    /// registry has none for this machine.
    #[must_use]
    pub fn runtime_path(&self) -> Option<PathBuf> {
        self.registry.runtime().map(|runtime| self.folder.join(&runtime.file))
    }

    /// The folder of the ffmpeg for hevc-alpha. It holds nothing else: the sandbox of that program sees it.
    pub(crate) fn ffmpeg_folder(&self) -> PathBuf {
        self.folder.join("ffmpeg")
    }

    /// Path of the ffmpeg for hevc-alpha in this folder, whether or not it is installed; `None` if the
    /// registry has none for this machine.
    #[must_use]
    pub fn ffmpeg_path(&self) -> Option<PathBuf> {
        self.registry.ffmpeg().map(|ffmpeg| self.ffmpeg_folder().join(&ffmpeg.file))
    }

    /// Installation state of `model`, judged by the size of its file alone.
    #[must_use]
    pub fn state(&self, model: &ModelEntry) -> State {
        match self.path(model).metadata() {
            Ok(meta) if meta.is_file() && meta.len() == model.bytes => State::Installed,
            Ok(_) => State::Damaged,
            Err(_) => State::Missing,
        }
    }

    /// The model to use if none was named: the first installed one of the registry, else its first.
    #[must_use]
    pub fn default_model(&self) -> Option<&ModelEntry> {
        let installed = self.registry.models.iter().find(|model| self.state(model) == State::Installed);
        installed.or_else(|| self.registry.models.first())
    }

    /// Reads the file of `model` and compares its hash with the registry.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`], or the reason why it cannot be read.
    pub fn verify(&self, model: &ModelEntry) -> Result<(), Error> {
        self.read(model).map(drop)
    }

    /// Removes the file of `model`. Returns whether there was one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, model: &ModelEntry) -> Result<bool, Error> {
        remove_if_present(&self.path(model))
    }

    /// Removes the runtime library in this folder. Returns whether there was one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_runtime(&self) -> Result<bool, Error> {
        self.runtime_path().map_or(Ok(false), |path| remove_if_present(&path))
    }

    /// Removes the ffmpeg for hevc-alpha in this folder. Returns whether there was one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_ffmpeg(&self) -> Result<bool, Error> {
        self.ffmpeg_path().map_or(Ok(false), |path| remove_if_present(&path))
    }

    /// Loads `model` into `runtime`. The result runs on the calling thread. The bytes that run are
    /// exactly those whose hash was checked.
    ///
    /// # Errors
    /// If the file is missing or damaged, or no available runtime can run it.
    pub fn load(&self, model: &ModelEntry, runtime: &Runtime) -> Result<Box<dyn SegmentationModel>, Error> {
        runtime.load(model, self.read(model)?)
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

fn remove_if_present(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("removing a file")(error)),
    }
}
