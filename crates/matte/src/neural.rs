//! Matting over any background: a model asked about some frames, carried to all of them, and refined to every pixel.

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
pub use shots::Shots;
pub use trace::Trace;
