//! The interface to the renderer of previews, which lives outside of this crate.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use clearcut_frame::{Rgb8, Size};
use clearcut_job::{CutMethod, CutRequest, Failure, MethodReason, ObjectName};

/// A request for a preview of one frame of a clip.
#[derive(Debug)]
pub struct PreviewRequest {
    /// The clip. The same name always means the same bytes.
    pub input: ObjectName,
    /// The options of the cut. Formats, frame rate and quality are ignored.
    pub request: CutRequest,
    /// Time of the frame: the frame that is shown then.
    pub at: Duration,
}

/// A rendered preview.
#[derive(Debug)]
pub struct PreviewFrame {
    /// A PNG with straight alpha.
    pub png: Vec<u8>,
    /// Size of the frame in pixels.
    pub size: Size,
    /// Time at which the clip shows the frame.
    pub at: Duration,
    /// Method that separated subject and background.
    pub method: CutMethod,
    /// Why this method was used.
    pub reason: MethodReason,
    /// The neural model, if one was used.
    pub model: Option<String>,
    /// The background color, if the method is based on color.
    pub background: Option<Rgb8>,
    /// Share of the border that matches the background color, 0–1.
    pub confidence: Option<f64>,
    /// For each hint, the number of frames to which it applies.
    pub hint_frames: Vec<u64>,
}

/// Why a preview failed.
#[derive(Debug)]
pub enum PreviewFailure {
    /// The machine is at its limit of concurrent previews.
    Busy {
        /// Seconds to wait before the next try.
        retry_after_secs: u64,
    },
    /// The clip is no longer in the store.
    Gone,
    /// Any other failure, with a message for the client.
    Failed(Failure),
}

/// Renders previews. The implementation decodes video, which this crate never does.
#[async_trait]
pub trait Previewer: Send + Sync + Debug {
    /// Renders one preview. Dropping the future ends all work on it.
    async fn preview(&self, order: PreviewRequest) -> Result<PreviewFrame, PreviewFailure>;
}
