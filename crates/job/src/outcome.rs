//! Result of a finished job: the outputs, and the measured properties of the clip or the images.

use clearcut_frame::Rgb8;
use serde::{Deserialize, Serialize};

use crate::{
    AlphaCheck, CutMethod, FileFormat, JobKind, MatteReport, MeasuredImages, MethodReason, Note, ObjectName,
    OutputFormat, Sha256Hex, hex_color,
};

/// Location and expected content of one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPointer {
    /// Format of the output.
    pub format: FileFormat,
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
    /// The part of the clip's frame that was cut, as `X,Y,WIDTH,HEIGHT`; absent if all of it was, and in jobs of
    /// earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<String>,
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

/// What was measured during a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Measured {
    /// Of images. Tried first: only they are stored with `images`.
    Images(MeasuredImages),
    /// Of a clip.
    Clip(Box<MeasuredClip>),
}

impl Measured {
    /// Kind of the job.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::Images(_) => JobKind::Image,
            Self::Clip(_) => JobKind::Video,
        }
    }

    /// Number of frames written; an image that was cut counts as one.
    #[must_use]
    pub fn frames(&self) -> u64 {
        match self {
            Self::Images(images) => images.cuts().count() as u64,
            Self::Clip(clip) => clip.frames,
        }
    }
}

impl From<MeasuredClip> for Measured {
    fn from(clip: MeasuredClip) -> Self {
        Self::Clip(Box::new(clip))
    }
}

impl From<MeasuredImages> for Measured {
    fn from(images: MeasuredImages) -> Self {
        Self::Images(images)
    }
}

/// The result of a finished job.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was measured.
    pub measured: Measured,
    /// Duration of the cut in milliseconds.
    pub processing_ms: u64,
    /// The outputs, in the requested order.
    pub outputs: Vec<OutputPointer>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, FailureCode, ImageResult, MeasuredCut, MeasuredImage};

    #[test]
    fn images_round_trip_and_are_told_from_a_clip() {
        let cut = MeasuredCut {
            file: Some("a/b.png".into()),
            width: 3,
            height: 2,
            method: CutMethod::Ai,
            reason: MethodReason::Asked,
            model: Some("m".into()),
            background: None,
            report: MatteReport { removed_share: 0.5, ..MatteReport::default() },
        };
        let failure = Failure::new(FailureCode::InvalidImage, "the image is damaged or cut off");
        let images = vec![
            MeasuredImage { name: Some("a/b.jpg".into()), result: ImageResult::Cut(Box::new(cut)) },
            MeasuredImage { name: None, result: ImageResult::Failed(failure) },
        ];
        let measured = Measured::from(MeasuredImages { images });
        let text = serde_json::to_string(&measured).unwrap();
        assert_eq!(serde_json::from_str::<Measured>(&text).unwrap(), measured, "{text}");
        assert_eq!((measured.kind(), measured.frames()), (JobKind::Image, 1));
    }

    #[test]
    fn measured_properties_round_trip_and_read_without_newer_fields() {
        for background in [None, Some(Rgb8::new(233, 47, 188))] {
            let measured = MeasuredClip {
                width: 768,
                height: 432,
                frames: 25,
                fps: 23.976,
                source_fps: Some(29.97),
                crop: background.map(|_| "10,0,640,480".to_owned()),
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
            assert_eq!(serde_json::from_str::<Measured>(&text).unwrap(), measured.clone().into());
            assert_eq!(serde_json::to_string(&Measured::from(measured.clone())).unwrap(), text);
            let earlier = text.replace(r#","reason":"flat-background","model":null"#, "");
            let (earlier, _) = earlier.split_once(r#","alpha_checks""#).unwrap();
            assert_eq!(
                serde_json::from_str::<MeasuredClip>(&format!("{earlier}}}")).unwrap(),
                MeasuredClip { reason: None, alpha_checks: Vec::new(), ..measured }
            );
        }
    }
}
