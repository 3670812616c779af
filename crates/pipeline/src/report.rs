//! What comes of a cut.

use std::{path::PathBuf, time::Duration};

use clearcut_ffmpeg::MediaInfo;
use clearcut_frame::{FrameRate, Rgb8, Size};
use clearcut_job::{CutMethod, MatteReport, MethodReason, OutputFormat};

/// What came of a cut.
#[derive(Debug, Clone)]
pub struct CutReport {
    /// What the clip was.
    pub source: MediaInfo,
    /// Size of the outputs' frame.
    pub size: Size,
    /// Rate of the outputs.
    pub frame_rate: FrameRate,
    /// Frames in each output.
    pub frames: u64,
    /// How subject and background were told apart.
    pub method: CutMethod,
    /// Why in that way.
    pub reason: MethodReason,
    /// The neural model, where one was used.
    pub model: Option<String>,
    /// The background's color, measured or given; `None` where it was not asked for.
    pub key_color: Option<Rgb8>,
    /// How good the matte probably is.
    pub matte: MatteReport,
    /// The files, in the order asked for, all checked.
    pub outputs: Vec<OutputReport>,
}

impl CutReport {
    /// How long the outputs are, in seconds.
    #[must_use]
    pub fn duration_secs(&self) -> f64 {
        self.frames as f64 / self.frame_rate.per_second()
    }
}

/// One finished and checked file.
#[derive(Debug, Clone)]
pub struct OutputReport {
    /// What it is.
    pub format: OutputFormat,
    /// Where it lies in the scratch folder.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// From the first frame until it was checked.
    pub took: Duration,
}
