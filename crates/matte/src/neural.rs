//! Matting over any background: a model segments some frames, the result is carried to all frames,
//! and is refined to full resolution.

mod boxes;
mod carry;
mod flow;
mod foreground;
mod grey;
mod guide;
mod mask;
mod refine;
mod segmenter;
mod shots;
mod shrink;
mod tiles;
mod trace;

pub use segmenter::{Pace, Segmenter};
pub use shots::ShotDetector;
pub use trace::Trace;
