//! Matting: turns video frames into alpha and clean foreground color, over a flat background or
//! with a segmentation model. The caller drives the steps below on its own threads; the crate does
//! no input or output.
//!
//! Frames over a flat background:
//!
//! 1. [`Background::estimate`] measures the background from frames sampled over the whole clip.
//! 2. [`Keyer::compare`] compares one frame with the background. Any thread, any order.
//! 3. [`PocketTracker::classify`] marks enclosed look-alike regions as background if they were
//!    background in the previous frame. Frames in order; fast.
//! 4. [`Keyer::key`] computes the first matte of one frame. Any thread, any order.
//! 5. [`Keyer::finish`] stabilizes the alpha of one frame with its neighbors in time and returns
//!    the finished frame. Any thread, any order.
//!
//! [`follow`] locates the regions of the user's hints in every frame beforehand. [`Keyer::compare`]
//! takes them as a [`HintMap`].
//!
//! ```
//! use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling};
//! use clearcut_matte::{Background, KeySettings, KeyedFrame, Keyer, PocketTracker};
//!
//! # let size = Size::new(64, 48).expect("both sides are at least 1");
//! # let (subsampling, matrix) = (Subsampling::Full, Matrix::Bt709);
//! # let format = FrameFormat { size, subsampling, has_alpha: false, matrix };
//! # // A red square that moves over green.
//! # let drawn = |at: usize| {
//! #     let mut frame = Frame::new(format);
//! #     let colors = [[120, 90], [80, 100], [70, 220]];
//! #     for (plane, [green, red]) in frame.planes_mut().into_iter().zip(colors) {
//! #         for (index, level) in plane.iter_mut().enumerate() {
//! #             let (x, y) = (index % 64, index / 64);
//! #             let is_square = (16 + at..40 + at).contains(&x) && (12..36).contains(&y);
//! #             *level = if is_square { red } else { green };
//! #         }
//! #     }
//! #     frame
//! # };
//! let clip: Vec<Frame> = (0..3).map(drawn).collect(); // A red square on green.
//!
//! let background = Background::estimate(&clip, None)?;
//! let keyer = Keyer::new(background, KeySettings::default());
//! let mut pockets = PocketTracker::default();
//! let keyed: Vec<KeyedFrame> = clip
//!     .iter()
//!     .map(|frame| {
//!         let mut compared = keyer.compare(frame.clone(), None);
//!         pockets.classify(&mut compared);
//!         keyer.key(compared)
//!     })
//!     .collect();
//! let finished = keyer.finish(&[&keyed[0]], &keyed[1], &[&keyed[2]]);
//! let alpha = finished.alpha().expect("a finished frame has alpha");
//! assert_eq!([alpha[0], alpha[24 * 64 + 28]], [0, 255], "the corner is clear, the square solid");
//! # Ok::<(), clearcut_matte::NoFlatBackground>(())
//! ```
//!
//! Frames over any other background, with a neural model that the caller supplies as a
//! [`SegmentationModel`]:
//!
//! 1. [`Segmenter::analyze`] stores the data of one frame that its neighbors need. Any thread, any
//!    order.
//! 2. [`ShotDetector::detect`] finds cuts and chooses keyframes. Frames in order; fast.
//! 3. [`Segmenter::segment`] runs the model on a keyframe. Any thread, any order; slow.
//! 4. [`Segmenter::finish`] propagates the masks of the surrounding keyframes to one frame and
//!    refines the result. Any thread, any order.
//!
//! The thresholds of the keyer were set by judgment on random clips of the evaluation kit, and
//! checked on others; "Where the numbers come from" in `docs/design/keyer.md` names them. The
//! comment of a constant says which measurement chose it, or what it separates or trades off.

mod background;
mod band;
mod bend;
mod checkerboard;
mod defects;
mod distance_map;
mod doubts;
mod edge_extend;
mod enclosed;
mod field;
mod fit;
mod follow;
mod full_chroma;
mod gaps;
mod glass;
mod grain;
mod hints;
mod hue_share;
mod keyer;
mod levels;
mod mixing_line;
mod model;
mod neural;
mod outline;
mod parts;
mod pixels;
mod plate;
mod profile;
mod regions;
mod ringing;
mod runs;
mod sample;
mod scene;
mod shadow;
mod sharpness;
mod shift;
mod siting;
mod soft;
mod specks;
mod stored;
mod subject_colors;
mod surface;
mod temporal_filter;
mod tiles;
mod tolerance;
mod tone;
mod unmix;

pub use background::{Background, NoFlatBackground};
pub use checkerboard::is_checkerboard;
pub use defects::Defects;
pub use follow::{Followed, Hint, follow};
pub use hints::HintMap;
pub use keyer::{ComparedFrame, KeySettings, KeyedFrame, Keyer, PocketTracker};
pub use model::{ModelError, ModelInput, SegmentationModel};
pub use neural::{Pace, Segmenter, ShotDetector, Trace};
pub use tiles::{Defect, Extent};
