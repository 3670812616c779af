//! The report of a finished cut and its outputs.

use std::{path::PathBuf, time::Duration};

use clearcut_ffmpeg::MediaInfo;
use clearcut_frame::{FrameRate, Rgb8, Size};
use clearcut_job::{AlphaCheck, CropRect, CutMethod, MatteReport, MaxBytes, MethodReason, Note, OutputFormat};

/// Report of a finished cut.
#[derive(Debug, Clone)]
pub struct CutReport {
    /// Properties of the clip.
    pub source: MediaInfo,
    /// Frame size of the outputs.
    pub size: Size,
    /// Frame rate of the outputs.
    pub frame_rate: FrameRate,
    /// Number of frames in each output.
    pub frames: u64,
    /// The part of the clip's frame that was cut; `None` for all of it.
    pub crop: Option<CropRect>,
    /// Method that separated subject and background.
    pub method: CutMethod,
    /// Reason for the method.
    pub reason: MethodReason,
    /// Id of the neural model, if one was used.
    pub model: Option<String>,
    /// Color of the background, measured or given; `None` if a model was used.
    pub key_color: Option<Rgb8>,
    /// Quality estimate of the matte.
    pub matte: MatteReport,
    /// What was decided about the clip, by the probe and by the cut.
    pub notes: Vec<Note>,
    /// The checked files, in the requested order.
    pub outputs: Vec<OutputReport>,
}

impl CutReport {
    /// Duration of the outputs in seconds.
    #[must_use]
    pub fn duration_secs(&self) -> f64 {
        self.frames as f64 / self.frame_rate.per_second()
    }
}

/// One finished and checked file.
#[derive(Debug, Clone)]
pub struct OutputReport {
    /// Format of the file.
    pub format: OutputFormat,
    /// Path in the scratch folder.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// Time from the start of encoding until the file was checked.
    pub took: Duration,
    /// What the check compared.
    pub alpha_check: AlphaCheck,
    /// What the file has in order to keep its limit of bytes; `None` without a limit.
    pub kept: Option<KeptLimit>,
}

/// What a file has in order to keep its limit of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptLimit {
    /// The limit.
    pub limit: MaxBytes,
    /// Frame size.
    pub size: Size,
    /// Frame rate.
    pub frame_rate: FrameRate,
    /// Number of frames.
    pub frames: u64,
    /// What was lowered of the quality; `None` if nothing was.
    pub lowered: Option<LoweredQuality>,
}

/// A quality that was lowered to keep a limit of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoweredQuality {
    /// Quality 0–100 of the file, and of the request.
    Quality(u16, u16),
    /// The rate factor of VP9 of the file, and of the request. A higher one is a lower quality.
    Crf(u8, u8),
}
