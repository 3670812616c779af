//! The cut of a clip to transparent files: one decode, one matte, all requested formats encoded at
//! the same time.
//!
//! [`cut`] is the entry point. It blocks, depends on no particular model and no database, and is
//! the same for the command line and a server:
//!
//! ```text
//! probe → survey (sample, measure the background) → decode → key → finish ─┬→ encode → check
//!                                                                        ├→ encode → check
//!                                                                        └→ …
//! ```
//!
//! The user's hints are first tracked through small frames of the whole clip, so that they also
//! apply to frames before their own.
//!
//! [`Moment`] previews one frame of a cut: the same survey and the same matting, applied to one
//! frame and its neighbors.
//!
//! If the background is not flat, or a model was requested, a model opened by a [`ModelSource`]
//! replaces the key.

mod children;
mod cut;
mod cut_job;
mod error;
mod matte_log;
mod method;
mod model_source;
mod moment;
mod plan;
mod progress;
mod quality;
mod report;
mod stages;
mod still;
mod stop;
mod threads;

pub use cut::cut;
pub use cut_job::CutJob;
pub use error::Error;
pub use model_source::{ModelFailure, ModelSource, OpenModel};
pub use moment::{Moment, StillCut};
pub use plan::Resources;
pub use progress::Progress;
pub use report::{CutReport, OutputReport};
pub use stop::Stop;
