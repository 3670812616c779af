//! Encoders for animated WebP, APNG and GIF with alpha that run in this process.
//!
//! The formats keep a canvas. A *patch* is a rectangle that is drawn onto the canvas and shown for
//! the duration of one or more clip frames; the formats' specifications call it a frame. A *frame*
//! here is always a frame of the clip. [`encode_webp`], [`encode_apng`] and [`encode_gif`] have the
//! same steps; GIF keeps the frames in a file first, until its palette is known:
//!
//! ```text
//! frame ─→ canvas ─→ schedule ─────────────→ compress ───→ write
//!          (the      (the smallest           (each patch   (in order; sizes
//!          format's  rectangle that changed, alone, on     and counts last)
//!          colors)   and for how long)       threads)
//! ```
//!
//! An animation can be made in pieces, one after the other or at the same time, with
//! [`AnimationSettings::first_frame`]; [`join_webp`] and [`join_apng`] join them without compressing
//! anything again. [`read_webp`] and [`read_apng`] read what a file stores.
//!
//! Color under alpha 0 is undefined: it is not compared and may decode to any color. At most
//! `threads + 6` frames are held in memory, whatever the length of the clip.
//!
//! ```
//! use std::{io::Cursor, num::NonZeroUsize, sync::Arc};
//!
//! use clearcut_animation::{AnimationSettings, encode_webp};
//! use clearcut_frame::{Frame, FrameFormat, FrameRate, Matrix, Size, Subsampling};
//!
//! let size = Size::new(64, 48).expect("both sides are at least 1");
//! let (subsampling, matrix) = (Subsampling::Half, Matrix::Bt709);
//! let format = FrameFormat { size, subsampling, has_alpha: true, matrix };
//! // Ten clear frames, on the last five of which the top half is solid.
//! let frames = (0..10).map(|index| {
//!     let mut frame = Frame::new(format);
//!     frame.planes_mut()[3][..64 * 24].fill(if index < 5 { 0 } else { 255 });
//!     Arc::new(frame)
//! });
//!
//! let frame_rate = FrameRate::new(25, 1).expect("a rate above 0");
//! let threads = NonZeroUsize::MIN;
//! let (first_frame, plays) = (0, 0);
//! let settings = AnimationSettings { frame: format, frame_rate, quality: 80, threads, first_frame, plays };
//! let mut file = Cursor::new(Vec::new());
//! let summary = encode_webp(&settings, frames, &mut file)?;
//! assert_eq!((summary.frames, summary.patches), (10, 2));
//! assert!(file.into_inner().starts_with(b"RIFF"));
//! # Ok::<(), clearcut_animation::Error>(())
//! ```

mod apng;
mod chroma;
mod clock;
mod error;
mod gif;
mod pieces;
mod planes;
mod rect;
mod rgba;
mod schedule;
mod settings;
mod webp;

pub use apng::{encode_apng, join_apng, read_apng};
pub use clock::{is_too_fast_for_browsers, is_too_fast_for_gif};
pub use error::Error;
pub use gif::encode_gif;
pub use pieces::StoredPart;
pub use rgba::straight_rgba;
pub use settings::{AnimationSettings, Summary};
pub use webp::{encode_webp, join_webp, read_webp};

/// Number of patches that are compressed ahead, beyond one for each thread: this thread draws the
/// canvases and writes the file, and patches take unequal time. Without them an APNG takes 3 % more
/// time on two cores.
const EXTRA_PATCHES: usize = 2;
