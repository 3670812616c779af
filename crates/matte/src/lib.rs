//! Frames to alpha and clean foreground colour.
//!
//! The plot, driven by the caller on threads of its own:
//!
//! 1. [`Backdrop::estimate`] measures the flat background from pictures sampled over the whole clip.
//! 2. [`Keyer::key`] classifies one picture by itself. Any thread, any order.
//! 3. [`Keyer::finish`] settles one picture's alpha with a look at its neighbours in time and writes the unmixed
//!    foreground colour. Any thread, any order.

mod backdrop;
mod band;
mod clean;
mod field;
mod keyer;
mod likeness;
mod outline;
mod palette;
mod profile;
mod regions;
mod scene;
mod steady;
mod surface;
mod tolerance;
mod unmix;

pub use backdrop::{Backdrop, NoFlatBackdrop};
pub use keyer::{KeySettings, Keyed, Keyer};
