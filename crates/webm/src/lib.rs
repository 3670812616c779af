//! A muxer that writes VP9 color, VP9 alpha and Opus sound to one WebM file with transparency.
//!
//! The color of a frame is a block. Its alpha is a frame of a second VP9 stream, attached to the
//! same block (`BlockAdditional` 1). Both streams come from independent encoders, in IVF; sound
//! comes in Ogg. [`write_webm`] is the entry point; [`join_webm`] takes streams in pieces, each of
//! which begins with a keyframe:
//!
//! ```text
//! color (ivf) ─┐
//! alpha  (ivf) ─┼─→ blocks in time order ─→ clusters ─→ cues ─→ sizes patched in
//! sound  (ogg) ─┘
//! ```
//!
//! At most one cluster is held in memory: [`MAX_CLUSTER_BYTES`] and one frame.
//!
//! ```
//! use std::io::Cursor;
//!
//! use clearcut_frame::{FrameRate, Size};
//! use clearcut_webm::{CodePoints, WebmSettings, write_webm};
//!
//! # // An IVF stream of two frames, of which only the first byte matters: a keyframe, another.
//! # let ivf = || {
//! #     let mut stream = b"DKIF\0\0\x20\0VP90".to_vec();
//! #     stream.resize(32, 0);
//! #     for (number, first) in [0b1000_0000_u8, 0b1000_0100].iter().enumerate() {
//! #         stream.extend(2_u32.to_le_bytes());
//! #         stream.extend((number as u64).to_le_bytes());
//! #         stream.extend([*first, 0]);
//! #     }
//! #     stream
//! # };
//! let (color, alpha) = (ivf(), ivf()); // Two VP9 streams, each from an encoder of its own.
//!
//! let settings = WebmSettings {
//!     size: Size::new(64, 48).expect("both sides are at least 1"),
//!     frame_rate: FrameRate::new(25, 1).expect("a rate above 0"),
//!     color: CodePoints { primaries: 1, transfer: 1, matrix: 1 },
//! };
//! let mut file = Cursor::new(Vec::new());
//! let frames = write_webm(&settings, &color[..], &alpha[..], None::<&[u8]>, &mut file)?;
//! assert_eq!(frames, 2);
//! assert!(file.into_inner().starts_with(&[0x1A, 0x45, 0xDF, 0xA3]), "an EBML header");
//! # Ok::<(), clearcut_webm::Error>(())
//! ```

mod cluster;
mod ebml;
mod error;
mod ivf;
mod mux;
mod ogg;
mod tracks;

pub use cluster::MAX_CLUSTER_BYTES;
pub use error::Error;
pub use mux::{join_webm, write_webm};
pub use tracks::{CodePoints, WebmSettings};
