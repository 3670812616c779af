//! What makes previews, as the API asks it.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;
use clearcut_frame::{Rgb8, Size};
use clearcut_job::{CutMethod, CutRequest, Failure, MethodReason};
use clearcut_store::ObjectName;

/// One frame of a clip that somebody wants to see cut.
#[derive(Debug)]
pub struct PreviewOrder {
    /// The clip. The same name always means the same bytes.
    pub input: ObjectName,
    /// How to cut it; formats, rate and quality are of no meaning.
    pub request: CutRequest,
    /// Which of its frames: the one that is shown then.
    pub at: Duration,
}

/// One frame of a cut.
#[derive(Debug)]
pub struct Previewed {
    /// A PNG with straight alpha.
    pub png: Vec<u8>,
    /// Its size in pixels.
    pub size: Size,
    /// When in the clip it is shown.
    pub at: Duration,
    /// How subject and background were told apart.
    pub method: CutMethod,
    /// Why in that way.
    pub reason: MethodReason,
    /// The neural model, where one was used.
    pub model: Option<String>,
    /// The background's color, where it told them apart.
    pub background: Option<Rgb8>,
    /// Share of the border that agrees with it, 0–1.
    pub confidence: Option<f64>,
    /// In how many frames each hint holds.
    pub hint_frames: Vec<u64>,
}

/// Why there is no preview.
#[derive(Debug)]
pub enum NoPreview {
    /// As many as this machine makes at once are being made; come back after so many seconds.
    Busy {
        /// When to come back.
        retry_after_secs: u64,
    },
    /// The clip is no longer in the store.
    Gone,
    /// Anything else, in words for the one who asked.
    Failed(Failure),
}

/// What makes previews: it decodes, which this crate never does.
#[async_trait]
pub trait Previewer: Send + Sync + Debug {
    /// Makes one. Dropping the future ends all work on it.
    async fn preview(&self, order: PreviewOrder) -> Result<Previewed, NoPreview>;
}
