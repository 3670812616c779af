//! Tracking of hinted regions: the region that a hint marks in one frame is found again in the
//! frames before and after it.
//!
//! Works on small frames of the whole clip; their pixels are called cells. A point marks the
//! connected cells around it whose color changes softly from one cell to the next. A box marks
//! everything inside it. From frame to frame, the movement of a region is measured on the region
//! and its surroundings; a point's region is then grown again from the cells that kept their color.
//! A lost region (covered, or behind a cut) is searched for during [`PATIENCE`] frames. After that,
//! its hint ends in that direction.

mod cells;
mod region;
mod small_frame;

use clearcut_frame::{Area, Frame};
use region::Region;
use small_frame::SmallFrame;

use crate::{Background, grain::grain_of, hints::HintMap};

/// Largest change of luma and chroma between neighboring cells of a region, in levels: shading.
/// Three deviations of grain are added. More leaks across soft outlines, less stops at folds.
const STEP: f64 = 2.0;
const STEP_OF_GRAIN: f64 = 3.0;

/// Number of frames during which a lost region is searched for: half a second at 24 fps. Longer,
/// the region may be found on something else; shorter, an arm that passes in front ends the hint.
const PATIENCE: usize = 12;

/// A region that the user has marked in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hint {
    /// Index of the frame in which it was marked.
    pub frame: usize,
    /// Its place in that frame.
    pub area: Area,
    /// Whether the region is subject; otherwise it is background.
    pub keeps: bool,
}

/// The frames of a clip in which its hints hold.
#[derive(Debug)]
pub struct Followed {
    /// Per frame, the hinted cells; `None` where no hint holds.
    pub maps: Vec<Option<HintMap>>,
    /// Per hint, the number of frames in which it holds. 0 if the region cannot be separated from
    /// its surroundings: a point on the outer background.
    pub frames: Vec<usize>,
}

/// Follows `hints` through `frames`: small frames of the whole clip, all of one size. `background`
/// identifies the outer background, if it is known.
///
/// Where two hints overlap, the later one in the list wins. Calls `should_continue` before every
/// frame of every hint, and ends that hint when it returns false.
#[must_use]
pub fn follow(
    hints: &[Hint],
    frames: &[Frame],
    background: Option<&Background>,
    should_continue: &dyn Fn() -> bool,
) -> Followed {
    let [luma, blue, red] = grain_of(frames);
    let steps = [luma, blue.max(red)].map(|grain| (STEP + STEP_OF_GRAIN * grain).round() as i16);
    let mut followed = Followed { maps: vec![None; frames.len()], frames: vec![0; hints.len()] };
    for (hint, count) in hints.iter().zip(&mut followed.frames) {
        let Some(frame) = frames.get(hint.frame) else { continue };
        let small = SmallFrame::of(frame);
        let is_background = |cell: usize| background.is_some_and(|background| background.is_seen_at(frame, cell));
        let Some(region) = Region::from_hint(hint.area, steps, &small, &is_background) else { continue };
        let mut mark = |index: usize, region: &Region| {
            let map = followed.maps[index].get_or_insert_with(|| HintMap::new(small.width, small.height));
            map.mark(&region.cells, region.label(hint.keeps));
            *count += 1;
        };
        mark(hint.frame, &region);
        let should_continue = |_: &usize| should_continue();
        track(&small, &region, (hint.frame + 1..frames.len()).take_while(should_continue), frames, &mut mark);
        track(&small, &region, (0..hint.frame).rev().take_while(should_continue), frames, &mut mark);
    }
    followed
}

/// Tracks `region` from the frame `start` through the frames `indices` until it is lost.
/// Calls `found` for every frame that shows it.
fn track(
    start: &SmallFrame,
    region: &Region,
    indices: impl Iterator<Item = usize>,
    frames: &[Frame],
    found: &mut impl FnMut(usize, &Region),
) {
    let (mut last, mut region, mut missed) = (start.clone(), region.clone(), 0);
    for index in indices {
        let next = SmallFrame::of(&frames[index]);
        if let Some(moved) = region.moved(&last, &next) {
            found(index, &moved);
            (last, region, missed) = (next, moved, 0);
        } else if missed == PATIENCE {
            return;
        } else {
            missed += 1;
        }
    }
}
