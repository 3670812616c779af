//! Frames to alpha and clean foreground colour.
//!
//! The plot, driven by the caller on threads of its own:
//!
//! 1. [`Backdrop::estimate`] measures the flat background from pictures sampled over the whole clip.
//! 2. [`Keyer::look`] compares one picture with it. Any thread, any order.
//! 3. [`Pockets::settle`] decides which enclosed look-alikes are backdrop, since they were before. One picture after the other, quick.
//! 4. [`Keyer::key`] mattes one picture by itself. Any thread, any order.
//! 5. [`Keyer::finish`] settles one picture's alpha with a look at its neighbours in time and writes the unmixed
//!    foreground colour. Any thread, any order.

mod backdrop;
mod band;
mod clean;
mod field;
mod keyer;
mod light;
mod likeness;
mod outline;
mod palette;
mod profile;
mod regions;
mod scene;
mod sharpness;
mod siting;
mod specks;
mod steady;
mod surface;
mod tolerance;
mod unmix;

pub use backdrop::{Backdrop, NoFlatBackdrop};
pub use keyer::{Doubts, KeySettings, Keyed, Keyer, Looked, Pockets};
