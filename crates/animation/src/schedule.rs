use std::sync::Arc;

use crate::rect::{Rect, around_all};

/// A frame in the form in which its format compares and compresses it.
pub(crate) trait Canvas {
    /// All of it.
    fn whole(&self) -> Rect;
    /// The smallest rectangle around what a viewer would see change within `within` if `self` followed on `before`, or on nothing
    /// but transparency. `None` if nothing would.
    fn changed_since(&self, before: Option<&Self>, within: Rect) -> Option<Rect>;
}

/// One patch of the file.
#[derive(Debug)]
pub(crate) struct Step<C> {
    /// What is to be seen once it is drawn.
    pub(crate) canvas: Arc<C>,
    /// What of it is drawn: the rest stands already.
    pub(crate) rect: Rect,
    /// Whether its rectangle becomes transparent before the next patch is drawn.
    pub(crate) is_cleared_after: bool,
    /// Number of its first frame, from 0.
    pub(crate) first: u64,
    /// For how many frames it is shown, at least 1.
    pub(crate) repeats: u64,
}

/// What a format allows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScheduleRules {
    /// Rectangles begin at multiples of this.
    pub(crate) alignment: usize,
    /// Whether the first patch has to cover the canvas.
    pub(crate) starts_whole: bool,
    /// For how many frames a patch may be shown.
    pub(crate) max_repeats: u64,
}

/// Decides what each patch draws. Holds one patch back, since it says whether it is cleared for the next.
#[derive(Debug)]
pub(crate) struct Schedule<C> {
    rules: ScheduleRules,
    held: Option<Step<C>>,
}

impl<C: Canvas> Schedule<C> {
    pub(crate) const fn new(rules: ScheduleRules) -> Self {
        Self { rules, held: None }
    }

    /// Takes the next frame; gives the patch before it, unless the frame only makes that one longer.
    pub(crate) fn push(&mut self, canvas: Arc<C>) -> Option<Step<C>> {
        let whole = canvas.whole();
        let Some(held) = &mut self.held else {
            let seen = if self.rules.starts_whole { Some(whole) } else { canvas.changed_since(None, whole) };
            let rect = self.drawable(seen, whole);
            self.held = Some(Step { canvas, rect, is_cleared_after: false, first: 0, repeats: 1 });
            return None;
        };
        let changed = canvas.changed_since(Some(&held.canvas), whole);
        if changed.is_none() && held.repeats < self.rules.max_repeats {
            held.repeats += 1;
            return None;
        }
        let first = held.first + held.repeats;
        let (kept, cleared) = (changed, after_clearing(held, &canvas, changed));
        let (kept, cleared) = (self.drawable(kept, whole), self.drawable(cleared, whole));
        let is_cleared = cleared.area() < kept.area();
        let rect = if is_cleared { cleared } else { kept };
        let next = Step { canvas, rect, is_cleared_after: false, first, repeats: 1 };
        let mut done = self.held.replace(next)?;
        done.is_cleared_after = is_cleared;
        Some(done)
    }

    /// The last patch.
    pub(crate) fn finish(self) -> Option<Step<C>> {
        self.held
    }

    /// `rect` as the format can draw it; a patch without a pixel is not possible, so its first pixels stand for nothing.
    fn drawable(&self, rect: Option<Rect>, whole: Rect) -> Rect {
        let corner = Rect { right: 1, bottom: 1, ..whole };
        rect.unwrap_or(corner).aligned(self.rules.alignment, whole)
    }
}

/// What has to be drawn if the rectangle of `held` is cleared first: all that is seen there, and what changed elsewhere.
fn after_clearing<C: Canvas>(held: &Step<C>, canvas: &C, changed: Option<Rect>) -> Option<Rect> {
    let seen = canvas.changed_since(None, held.rect);
    let elsewhere = changed.into_iter().flat_map(|changed| changed.without(held.rect));
    around_all(elsewhere.filter_map(|part| canvas.changed_since(Some(&held.canvas), part)).chain(seen))
}

/// The patches of `canvases`, each handed on as soon as it stands.
pub(crate) fn steps<C: Canvas>(
    rules: ScheduleRules,
    mut canvases: impl Iterator<Item = Arc<C>>,
) -> impl Iterator<Item = Step<C>> {
    let mut schedule = Some(Schedule::new(rules));
    std::iter::from_fn(move || {
        let current = schedule.as_mut()?;
        canvases.find_map(|canvas| current.push(canvas)).or_else(|| schedule.take().and_then(Schedule::finish))
    })
}
