//! Frames to alpha and clean foreground color.
//!
//! The plot, driven by the caller on threads of its own:
//!
//! 1. [`Background::estimate`] measures the flat background from frames sampled over the whole clip.
//! 2. [`Keyer::look`] compares one frame with it. Any thread, any order.
//! 3. [`Pockets::settle`] decides which enclosed look-alikes are background, since they were before. One frame after the other, quick.
//! 4. [`Keyer::key`] mattes one frame by itself. Any thread, any order.
//! 5. [`Keyer::finish`] settles one frame's alpha with a look at its neighbors in time and writes the unmixed
//!    foreground color. Any thread, any order.
//!
//! What the user says about regions of the clip is found in every frame by [`follow`] beforehand and handed to [`Keyer::look`] as [`HintMap`].
//!
//! For frames over any background the same with a neural model that the caller brings as a [`SegmentationModel`]:
//!
//! 1. [`Segmenter::look`] keeps what one frame's neighbors will ask for. Any thread, any order.
//! 2. [`Shots::settle`] finds cuts and chooses keyframes. One frame after the other, quick.
//! 3. [`Segmenter::segment`] asks the model about a keyframe. Any thread, any order; slow.
//! 4. [`Segmenter::finish`] carries what was said about the keyframes around to one frame and refines it. Any thread, any
//!    order.

mod background;
mod band;
mod clean;
mod doubts;
mod enclosed;
mod field;
mod follow;
mod gaps;
mod grain;
mod hints;
mod keyer;
mod levels;
mod light;
mod likeness;
mod model;
mod neural;
mod outline;
mod palette;
mod parts;
mod profile;
mod pure;
mod regions;
mod ringing;
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
mod unmix;

pub use background::{Background, NoFlatBackground};
pub use doubts::{Doubt, Doubts, Extent};
pub use follow::{Followed, Hint, follow};
pub use hints::HintMap;
pub use keyer::{KeySettings, Keyed, Keyer, Looked, Pockets};
pub use model::{ModelError, ModelInput, SegmentationModel};
pub use neural::{Pace, Segmenter, Shots, Trace};
