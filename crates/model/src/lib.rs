//! Neural models as data: what is known of them, where their files come from, and what runs them.
//!
//! A [`Registry`] is read from TOML: the built-in one, and the user's beside the files. [`Models`] is a folder of installed
//! files under that registry: each file is checked against its hash before it gets its name, and again whenever it is loaded.
//! A [`Runtime`] runs them: ONNX Runtime where its library is found, else one that is compiled in. What comes out of
//! [`Models::load`] is a [`clearcut_matte::Model`]; nothing above this crate knows a tensor.

mod archive;
mod budget;
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

pub use budget::{MemoryBudget, Reserved};
pub use entry::{Backend, Kind, ModelEntry, PackageRegistry, RuntimeEntry, Source};
pub use error::Error;
pub use fetch::fetch;
pub use install::Consent;
pub use models::{Models, State};
pub use registry::Registry;
pub use runtime::{Device, Runtime, RuntimeChoice, RuntimeSearch};
