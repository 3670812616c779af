//! From a clip to transparent files: one decode, one matte, all asked formats encoded at the same time.
//!
//! [`cut`] is the plot. It blocks, knows no model and no database, and runs the same for the command line and a server:
//!
//! ```text
//! probe → survey (sample, measure the background) → decode → key → finish ─┬→ encode → check
//!                                                                        ├→ encode → check
//!                                                                        └→ …
//! ```
//!
//! Hints of the user are followed through small frames of the whole clip beforehand, so that they hold in frames before theirs, too.
//!
//! [`Moment`] shows one frame of it before: the same measuring and the same matting, of a frame and its neighbors.
//!
//! Where the background is not flat, or a model was asked for, one that [`Models`] opens takes the place of the key.

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
pub use moment::{Moment, StillCut};
pub use plan::Resources;
pub use progress::Progress;
pub use report::{CutReport, OutputReport};
pub use stop::Stop;
