//! Neural models as data: the registry that describes them, the sources of their files, and the
//! runtimes that run them.
//!
//! A [`Registry`] is read from TOML: the built-in one, and the user's beside the files. [`Models`]
//! is a folder of installed files under that registry. The hash of each file is checked before the
//! file gets its name, and again whenever it is loaded. A [`Runtime`] runs models: ONNX Runtime if
//! its library is found, else rten, which is compiled in. [`Models::load`] returns a
//! [`clearcut_matte::SegmentationModel`]; nothing above this crate handles tensors.

mod archive;
mod budget;
mod device;
mod entry;
mod error;
mod fetch;
mod install;
mod models;
mod onnx;
mod registry;
mod rten_model;
mod runtime;
mod shape;
mod states;
mod tensor_error;

pub use budget::{MemoryBudget, Reserved};
pub use device::Device;
pub use entry::{Backend, Kind, ModelEntry, PackageRegistry, RuntimeEntry, Source};
pub use error::Error;
pub use fetch::fetch;
pub use install::Consent;
pub use models::{Models, State};
pub use registry::Registry;
pub use runtime::{Runtime, RuntimeChoice, RuntimeSearch};
