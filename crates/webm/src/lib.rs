//! A muxer that writes VP9 color, VP9 alpha and Opus sound to one WebM file with transparency.
//!
//! The color of a frame is a block. Its alpha is a frame of a second VP9 stream, attached to the
//! same block (`BlockAdditional` 1). Both streams come from independent encoders, in IVF; sound
//! comes in Ogg. [`write_webm`] is the entry point:
//!
//! ```text
//! color (ivf) ─┐
//! alpha  (ivf) ─┼─→ blocks in time order ─→ clusters ─→ cues ─→ sizes patched in
//! sound  (ogg) ─┘
//! ```
//!
//! At most one cluster is held in memory: [`MAX_CLUSTER_BYTES`] and one frame.

mod cluster;
mod ebml;
mod error;
mod ivf;
mod mux;
mod ogg;
mod tracks;

pub use cluster::MAX_CLUSTER_BYTES;
pub use error::Error;
pub use mux::write_webm;
pub use tracks::{CodePoints, WebmSettings};
