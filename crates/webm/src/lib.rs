//! VP9 color, VP9 alpha and Opus sound to one WebM file, as players read transparency.
//!
//! The colors of a frame are a block, its matte is a second VP9 stream that rides on the same block (`BlockAdditional` 1). Both come
//! from encoders that know nothing of each other, in IVF, sound comes in Ogg; [`write_webm`] is the plot:
//!
//! ```text
//! color (ivf) ─┐
//! alpha  (ivf) ─┼─→ blocks in time order ─→ clusters ─→ cues ─→ sizes patched in
//! sound  (ogg) ─┘
//! ```
//!
//! At most one cluster, [`MAX_CLUSTER_BYTES`] and a frame, is held.

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
