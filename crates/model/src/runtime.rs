//! Choice of the runtime: the search for the ONNX Runtime library, and the backend for each model.

use std::path::{Path, PathBuf};

use clearcut_matte::SegmentationModel;

use crate::{Error, ModelEntry, device::Device, entry::Backend, onnx::OnnxRuntime, rten_model::RtenModel};

/// File name of the ONNX Runtime library, without a version suffix.
const LIBRARY: &str = if cfg!(target_os = "macos") { "libonnxruntime.dylib" } else { "libonnxruntime.so" };

/// Choice of the runtime by the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeChoice {
    /// ONNX Runtime if it is found, else rten, which is compiled in.
    Auto,
    /// rten, which is compiled in.
    Rten,
    /// ONNX Runtime from this library.
    Library(PathBuf),
}

/// Search for a runtime.
#[derive(Debug, Clone)]
pub struct RuntimeSearch {
    /// Runtime chosen by the user.
    pub choice: RuntimeChoice,
    /// Device to compute on. All but the processor need ONNX Runtime.
    pub device: Device,
    /// Folders that may hold the library, in order of preference, under its plain name or with a
    /// version suffix.
    pub folders: Vec<PathBuf>,
}

/// A runtime for models.
#[derive(Debug, Clone)]
pub enum Runtime {
    /// ONNX Runtime; rten for models that do not list ONNX Runtime.
    Onnxruntime(OnnxRuntime),
    /// rten, which is compiled in.
    Rten,
}

impl Runtime {
    /// Finds a runtime. A library that is found but unusable is skipped; one that the user named is
    /// an error.
    ///
    /// # Errors
    /// [`Error::RuntimeUnusable`] for a library that the user named, or if none is found for the
    /// device.
    pub fn find(search: &RuntimeSearch) -> Result<Self, Error> {
        let found = Self::find_any(search)?;
        if search.device != Device::Cpu && matches!(found, Self::Rten) {
            return Err(Error::RuntimeUnusable { message: "none was found, and the device needs one".to_owned() });
        }
        Ok(found)
    }

    fn find_any(search: &RuntimeSearch) -> Result<Self, Error> {
        let load = |path: &Path| OnnxRuntime::load(path, search.device);
        match &search.choice {
            RuntimeChoice::Rten => Ok(Self::Rten),
            RuntimeChoice::Library(path) => load(path).map(Self::Onnxruntime),
            RuntimeChoice::Auto => {
                let found = search.folders.iter().filter_map(|folder| library_in(folder));
                Ok(found.map(|path| load(&path)).find_map(Result::ok).map_or(Self::Rten, Self::Onnxruntime))
            }
        }
    }

    /// Name for display.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Onnxruntime(_) => "ONNX Runtime",
            Self::Rten => "rten",
        }
    }

    /// Path of its library, if it has one.
    #[must_use]
    pub fn library(&self) -> Option<&Path> {
        match self {
            Self::Onnxruntime(runtime) => Some(runtime.path()),
            Self::Rten => None,
        }
    }

    /// The backend of this runtime that would run `model`.
    ///
    /// # Errors
    /// [`Error::NeedsOnnxRuntime`] if there is none.
    pub fn backend(&self, model: &ModelEntry) -> Result<Backend, Error> {
        let may = |backend| model.backends.contains(&backend);
        match self {
            Self::Onnxruntime(_) if may(Backend::Onnxruntime) => Ok(Backend::Onnxruntime),
            _ if may(Backend::Rten) => Ok(Backend::Rten),
            _ => Err(Error::NeedsOnnxRuntime { id: model.id.clone() }),
        }
    }

    pub(crate) fn load(&self, model: &ModelEntry, bytes: Vec<u8>) -> Result<Box<dyn SegmentationModel>, Error> {
        match (self, self.backend(model)?) {
            (Self::Onnxruntime(runtime), Backend::Onnxruntime) => Ok(Box::new(runtime.model(model, &bytes)?)),
            _ => Ok(Box::new(RtenModel::load(model, bytes)?)),
        }
    }
}

/// The library in `folder`: the one with the plain name, else the last by name of those with a
/// version suffix.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let plain = folder.join(LIBRARY);
    if plain.is_file() {
        return Some(plain);
    }
    let is_versioned = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.strip_prefix(LIBRARY).is_some_and(|rest| rest.starts_with('.'))
    };
    std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path()).filter(is_versioned).max()
}
