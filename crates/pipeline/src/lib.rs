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

mod animate;
mod check;
mod children;
mod cut;
mod encode;
mod error;
mod hinting;
mod layers;
mod matting;
mod method;
mod model_matting;
mod moment;
mod plan;
mod progress;
mod quality;
mod read_back;
mod report;
mod stack;
mod still;
mod stop;
mod survey;
mod threads;

pub use cut::{CutJob, cut};
pub use error::Error;
pub use method::{ModelFailure, ModelSource, OpenModel};
pub use moment::Moment;
pub use plan::Resources;
pub use report::{CutReport, OutputReport};
pub use stop::Stop;
