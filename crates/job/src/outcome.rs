//! Result of a finished job: the outputs, and the measured properties of the clip.

use clearcut_frame::Rgb8;
use serde::{Deserialize, Serialize};

use crate::{AlphaCheck, CutMethod, MatteReport, MethodReason, Note, ObjectName, OutputFormat, Sha256Hex};

/// Location and expected content of one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPointer {
    /// Format of the output.
    pub format: OutputFormat,
    /// Name of the object in the store.
    pub object_name: ObjectName,
    /// Length in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the bytes.
    pub sha256: Sha256Hex,
}

/// Properties of a clip that were measured during the cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredClip {
    /// Frame width in pixels; also in a stacked file, which holds two frames.
    pub width: u32,
    /// Frame height in pixels.
    pub height: u32,
    /// Number of frames written.
    pub frames: u64,
    /// Frames per second of the outputs.
    pub fps: f64,
    /// Frames per second of the clip, or a rate that suits it if its frames are uneven; absent in
    /// jobs of earlier versions.
    #[serde(default)]
    pub source_fps: Option<f64>,
    /// Length in seconds.
    pub duration_secs: f64,
    /// The method that found the background.
    pub method: CutMethod,
    /// The reason for the method; absent in jobs of earlier versions.
    #[serde(default)]
    pub reason: Option<MethodReason>,
    /// The neural model, if one was used.
    #[serde(default)]
    pub model: Option<String>,
    /// The background color as `#RRGGBB`, if there is one.
    #[serde(default, with = "hex_color")]
    pub background: Option<Rgb8>,
    /// Quality estimate of the matte; absent in jobs of earlier versions.
    #[serde(default)]
    pub report: Option<MatteReport>,
    /// What was decided about the clip; empty in jobs of earlier versions.
    #[serde(default)]
    pub notes: Vec<Note>,
    /// What the check of each output compared; empty in jobs of earlier versions.
    #[serde(default)]
    pub alpha_checks: Vec<(OutputFormat, AlphaCheck)>,
}

/// The result of a finished job.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Measured properties of the clip.
    pub measured: MeasuredClip,
    /// Duration of the cut in milliseconds.
    pub processing_ms: u64,
    /// The outputs, in the requested order.
    pub outputs: Vec<OutputPointer>,
}

mod hex_color {
    use clearcut_frame::Rgb8;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde requires this signature")]
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
    fn measured_properties_round_trip_and_read_without_newer_fields() {
        for background in [None, Some(Rgb8::new(233, 47, 188))] {
            let measured = MeasuredClip {
                width: 768,
                height: 432,
                frames: 25,
                fps: 23.976,
                source_fps: Some(29.97),
                duration_secs: 1.04,
                method: CutMethod::ChromaKey,
                reason: Some(MethodReason::FlatBackground),
                model: None,
                background,
                report: None,
                notes: Vec::new(),
                alpha_checks: vec![(
                    OutputFormat::Webp,
                    AlphaCheck { frames_compared: 25, largest_mean_difference: 0.5 },
                )],
            };
            let text = serde_json::to_string(&measured).unwrap();
            assert!(text.contains("\"chromakey\""), "{text}");
            assert_eq!(serde_json::from_str::<MeasuredClip>(&text).unwrap(), measured);
            let earlier = text.replace(r#","reason":"flat-background","model":null"#, "");
            let (earlier, _) = earlier.split_once(r#","alpha_checks""#).unwrap();
            assert_eq!(
                serde_json::from_str::<MeasuredClip>(&format!("{earlier}}}")).unwrap(),
                MeasuredClip { reason: None, alpha_checks: Vec::new(), ..measured }
            );
        }
    }
}
