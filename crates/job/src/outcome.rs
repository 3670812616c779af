use clearcut_frame::Rgb8;
use serde::{Deserialize, Serialize};

use crate::{MatteReport, OutputFormat};

/// A SHA-256 as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sha256Hex(pub String);

/// Where one output lies and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPointer {
    /// The format.
    pub format: OutputFormat,
    /// The name of the object in the store.
    pub key: String,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// Its hash.
    pub sha256: Sha256Hex,
}

/// How the background was told from the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CutMethod {
    /// By its color.
    ChromaKey,
    /// By a neural model.
    Ai,
}

/// Why the background was told from the subject in that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MethodReason {
    /// The method was asked for by name.
    Asked,
    /// The background's color was given.
    KeyGiven,
    /// The background is flat.
    FlatBackground,
    /// The background is not flat.
    NoFlatBackground,
    /// The clip's own border is transparent.
    Transparent,
}

impl MethodReason {
    /// The word on the wire.
    #[must_use]
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::KeyGiven => "key-given",
            Self::FlatBackground => "flat-background",
            Self::NoFlatBackground => "no-flat-background",
            Self::Transparent => "transparent",
        }
    }
}

/// What was learned about a clip by cutting it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Width of the frame in pixels; of the frame also where the file stacks two.
    pub width: u32,
    /// Height of the frame in pixels.
    pub height: u32,
    /// Frames written.
    pub frames: u64,
    /// Frames per second of the outputs.
    pub fps: f64,
    /// Length in seconds.
    pub duration_secs: f64,
    /// How the background was found.
    pub method: CutMethod,
    /// Why in that way; jobs of earlier versions do not say.
    #[serde(default)]
    pub reason: Option<MethodReason>,
    /// The neural model, where one was used.
    #[serde(default)]
    pub model: Option<String>,
    /// The background color as `#RRGGBB`, where there was one.
    #[serde(default, with = "hex_color")]
    pub background: Option<Rgb8>,
    /// How good the matte probably is; jobs of earlier versions have none.
    #[serde(default)]
    pub report: Option<MatteReport>,
}

/// All that a finished job hands back.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was learned about the clip.
    pub measured: Measured,
    /// How long the cut took, in milliseconds.
    pub processing_ms: u64,
    /// The files, in the order in which they were asked.
    pub outputs: Vec<OutputPointer>,
}

mod hex_color {
    use clearcut_frame::Rgb8;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the signature is what serde calls")]
    pub(super) fn serialize<S: Serializer>(color: &Option<Rgb8>, serializer: S) -> Result<S::Ok, S::Error> {
        match color {
            Some(color) => serializer.collect_str(color),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Rgb8>, D::Error> {
        Option::<String>::deserialize(deserializer)?.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_reads_back() {
        for background in [None, Some(Rgb8::new(233, 47, 188))] {
            let measured = Measured {
                width: 768,
                height: 432,
                frames: 25,
                fps: 23.976,
                duration_secs: 1.04,
                method: CutMethod::ChromaKey,
                reason: Some(MethodReason::FlatBackground),
                model: None,
                background,
                report: None,
            };
            let text = serde_json::to_string(&measured).unwrap();
            assert!(text.contains("\"chromakey\""), "{text}");
            assert_eq!(serde_json::from_str::<Measured>(&text).unwrap(), measured);
            let earlier = text.replace(r#","reason":"flat-background","model":null"#, "");
            assert_eq!(serde_json::from_str::<Measured>(&earlier).unwrap(), Measured { reason: None, ..measured });
        }
    }
}
