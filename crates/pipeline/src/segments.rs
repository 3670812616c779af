//! A long clip in segments, ranges of its frames that are cut independently and joined without
//! encoding the pictures again.
//!
//! A segment begins at a codec keyframe of the outputs. Its frames get the mattes that they have in
//! the whole clip, because the background is measured once, for the plan, and because the frames
//! around the segment are decoded and matted, too: [`RUN_IN`] before it and those after it that the
//! temporal filter reads.
//!
//! ```text
//! plan_segments ─→ SegmentPlan ─┬→ cut_segment ─┬→ join_segments ─→ checked files
//!                               ├→ cut_segment ─┤
//!                               └→ …            ┘
//! ```

mod join;
mod piece;
mod plan;
mod side_by_side;

pub use join::join_segments;
pub use piece::cut_segment;
pub(crate) use piece::{RUN_IN, remove_files};
pub use plan::{SegmentPlan, SegmentPolicy, plan_segments};
pub(crate) use side_by_side::{cut_side_by_side, segments_at_once};
