//! Pictures with alpha to animated WebP and APNG, in this process.
//!
//! Both formats are a canvas onto which each frame draws a rectangle. The plot is the same for both, in [`encode_webp`] and
//! [`encode_apng`]:
//!
//! ```text
//! picture ─→ canvas ─→ schedule ──────────────→ compress ─────→ write
//!            (the      (the smallest rectangle   (each frame     (in order, the header's
//!            format's  that changed, what        alone, on       numbers patched
//!            colors)  stays beneath, how long)  threads)        at the end)
//! ```
//!
//! What lies under alpha 0 is nobody's color: it is not compared and may come back as anything. At most `2 × threads + 4` pictures
//! are held, however long the clip.

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
