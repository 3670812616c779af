//! Frames with alpha to animated WebP and APNG, in this process.
//!
//! Both formats keep a canvas. A *patch* is what they call a frame: a rectangle that is drawn onto the canvas and then shown for the time of one
//! clip frame or of several. The plot is the same for both, in [`encode_webp`] and [`encode_apng`]:
//!
//! ```text
//! frame ─→ canvas ─→ schedule ─────────────→ compress ───→ write
//!          (the      (the smallest           (each patch   (in order; sizes
//!          format's  rectangle that changed, alone, on     and counts last)
//!          colors)   and for how long)       threads)
//! ```
//!
//! Color under alpha 0 has no meaning: it is not compared and may come back as any color. At most `2 × threads + 4` frames are held,
//! however long the clip.

mod apng;
mod chroma;
mod error;
mod ordered;
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
