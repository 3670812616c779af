//! Previews: the request for one frame of a cut, and the frame.

use std::time::Duration;

use clearcut_frame::{Rgb8, Size};

use crate::{CutMethod, CutRequest, MethodReason, ObjectName};

/// A request for a preview of one frame of a clip.
#[derive(Debug, Clone)]
pub struct PreviewRequest {
    /// The clip. The same name always means the same bytes.
    pub input: ObjectName,
    /// The options of the cut. Formats, frame rate and quality are ignored.
    pub request: CutRequest,
    /// Time of the frame in the clip: the frame that is shown then.
    pub at: Duration,
}

/// A preview: one frame of a cut.
#[derive(Debug)]
pub struct PreviewFrame {
    /// The frame as a PNG: R'G'B' and straight alpha, 8 bits each.
    pub png: Vec<u8>,
    /// Size of the frame in pixels.
    pub size: Size,
    /// Time in the clip at which the frame is shown.
    pub at: Duration,
    /// Method that separated subject and background.
    pub method: CutMethod,
    /// Reason for the method.
    pub reason: MethodReason,
    /// Id of the neural model, if one was used.
    pub model: Option<String>,
    /// Color of the background, measured or given; `None` if a model was used.
    pub key_color: Option<Rgb8>,
    /// Fraction of the border, over the whole clip, that has this color: 0.0..=1.0; `None` if a
    /// model was used.
    pub confidence: Option<f64>,
    /// For each hint, the number of frames of the clip to which it applies.
    pub hint_frames: Vec<u64>,
}
