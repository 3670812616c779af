//! Matting: turns video frames into alpha and clean foreground color, over a flat background or
//! with a segmentation model. The caller drives the steps below on its own threads; the crate does
//! no input or output.
//!
//! Frames over a flat background:
//!
//! 1. [`Background::estimate`] measures the background from frames sampled over the whole clip.
//! 2. [`Keyer::look`] compares one frame with the background. Any thread, any order.
//! 3. [`Pockets::settle`] marks enclosed look-alike regions as background if they were background
//!    in the previous frame. Frames in order; fast.
//! 4. [`Keyer::key`] computes the first matte of one frame. Any thread, any order.
//! 5. [`Keyer::finish`] stabilizes the alpha of one frame with its neighbors in time and returns
//!    the finished frame. Any thread, any order.
//!
//! [`follow`] locates the regions of the user's hints in every frame beforehand. [`Keyer::look`]
//! takes them as a [`HintMap`].
//!
//! Frames over any other background, with a neural model that the caller supplies as a
//! [`SegmentationModel`]:
//!
//! 1. [`Segmenter::look`] stores the data of one frame that its neighbors need. Any thread, any
//!    order.
//! 2. [`Shots::settle`] finds cuts and chooses keyframes. Frames in order; fast.
//! 3. [`Segmenter::segment`] runs the model on a keyframe. Any thread, any order; slow.
//! 4. [`Segmenter::finish`] propagates the masks of the surrounding keyframes to one frame and
//!    refines the result. Any thread, any order.

mod background;
mod band;
mod clean;
mod doubts;
mod enclosed;
mod field;
mod fit;
mod follow;
mod gaps;
mod grain;
mod hints;
mod keyer;
mod levels;
mod likeness;
mod model;
mod neural;
mod outline;
mod palette;
mod parts;
mod pixels;
mod plate;
mod profile;
mod pure;
mod regions;
mod ringing;
mod runs;
mod sample;
mod scene;
mod shadow;
mod sharpness;
mod shift;
mod siting;
mod soft;
mod specks;
mod steady;
mod surface;
mod tolerance;
mod tone;
mod unmix;

pub use background::{Background, NoFlatBackground};
pub use doubts::{Doubt, Doubts, Extent};
pub use follow::{Followed, Hint, follow};
pub use hints::HintMap;
pub use keyer::{ComparedFrame, KeySettings, KeyedFrame, Keyer, Pockets};
pub use model::{ModelError, ModelInput, SegmentationModel};
pub use neural::{Pace, Segmenter, Shots, Trace};
