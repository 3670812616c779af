//! Encoders for animated WebP and APNG with alpha that run in this process.
//!
//! Both formats keep a canvas. A *patch* is a rectangle that is drawn onto the canvas and shown for
//! the duration of one or more clip frames; the formats' specifications call it a frame. A *frame*
//! here is always a frame of the clip. [`encode_webp`] and [`encode_apng`] have the same steps:
//!
//! ```text
//! frame ─→ canvas ─→ schedule ─────────────→ compress ───→ write
//!          (the      (the smallest           (each patch   (in order; sizes
//!          format's  rectangle that changed, alone, on     and counts last)
//!          colors)   and for how long)       threads)
//! ```
//!
//! Color under alpha 0 is undefined: it is not compared and may decode to any color. At most
//! `2 × threads + 4` frames are held in memory, whatever the length of the clip.

mod apng;
mod chroma;
mod error;
mod planes;
mod rect;
mod rgba;
mod schedule;
mod settings;
mod webp;

pub use apng::encode_apng;
pub use error::Error;
pub use rgba::straight_rgba;
pub use settings::{AnimationSettings, Summary};
pub use webp::encode_webp;
