//! The schedule of an animation: which rectangle each patch draws and for how many frames it is
//! shown.

use std::sync::Arc;

use crate::rect::{Rect, bounding_rect};

/// A frame in the representation that an encoder compares and compresses.
pub(crate) trait Canvas {
    /// The rectangle of the whole canvas.
    fn bounds(&self) -> Rect;
    /// The smallest rectangle around the visible changes within `within` from `before` to `self`.
    /// Without `before`, changes are relative to a transparent canvas. `None` if there are none.
    fn changed_since(&self, before: Option<&Self>, within: Rect) -> Option<Rect>;
    /// The smallest rectangle around what `before` shows and `self` does not, if patches of the
    /// format are drawn over the canvas and so cannot clear it; else `None`.
    fn vanished_since(&self, _before: &Self) -> Option<Rect> {
        None
    }
}

/// One patch of the file.
#[derive(Debug)]
pub(crate) struct Patch<C> {
    /// The canvas after the patch is drawn.
    pub(crate) canvas: Arc<C>,
    /// The canvas of the patch before.
    pub(crate) before: Option<Arc<C>>,
    /// What of that canvas was cleared.
    pub(crate) cleared: Option<Rect>,
    /// The rectangle that is drawn; the rest of the canvas is already there.
    pub(crate) rect: Rect,
    /// Whether the rectangle is cleared to transparent before the next patch is drawn.
    pub(crate) is_cleared_after: bool,
    /// Index of its first frame, from 0.
    pub(crate) first: u64,
    /// Number of frames for which it is shown, at least 1.
    pub(crate) repeats: u64,
}

/// The constraints of a format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScheduleRules {
    /// Rectangles start at multiples of this.
    pub(crate) alignment: usize,
    /// Whether the first patch must cover the canvas.
    pub(crate) first_covers_canvas: bool,
    /// Minimum number of frames for which a patch is shown; frames that change before are left out.
    /// At most [`Self::max_repeats`].
    pub(crate) min_repeats: u64,
    /// Maximum number of frames for which a patch may be shown.
    pub(crate) max_repeats: u64,
}

impl ScheduleRules {
    /// `rect` aligned for the format. Patches cannot be empty, so `None` becomes the top left
    /// corner of the canvas.
    fn drawable(self, rect: Option<Rect>, bounds: Rect) -> Rect {
        let corner = Rect { right: 1, bottom: 1, ..bounds };
        rect.unwrap_or(corner).aligned(self.alignment, bounds)
    }
}

/// Decides what each patch draws. Holds back one patch, because the next frame decides whether it
/// is cleared; and the one before while the next is still too short, because it may be the last.
#[derive(Debug)]
pub(crate) struct Schedule<C> {
    rules: ScheduleRules,
    pending: Option<Patch<C>>,
    /// The patch before `pending`, until that has its minimum of frames.
    before: Option<Patch<C>>,
}

impl<C: Canvas> Schedule<C> {
    pub(crate) const fn new(rules: ScheduleRules) -> Self {
        Self { rules, pending: None, before: None }
    }

    /// Adds the next frame. Returns the patch that is decided by it.
    pub(crate) fn push(&mut self, canvas: Arc<C>) -> Option<Patch<C>> {
        let (bounds, rules) = (canvas.bounds(), self.rules);
        let Some(pending) = &mut self.pending else {
            let visible =
                if self.rules.first_covers_canvas { Some(bounds) } else { canvas.changed_since(None, bounds) };
            let rect = rules.drawable(visible, bounds);
            let (before, cleared) = (None, None);
            self.pending = Some(Patch { canvas, before, cleared, rect, is_cleared_after: false, first: 0, repeats: 1 });
            return None;
        };
        if pending.repeats < self.rules.min_repeats {
            // Too early for another patch, so this frame is not drawn.
            pending.repeats += 1;
            return if pending.repeats == self.rules.min_repeats { self.before.take() } else { None };
        }
        let changed = canvas.changed_since(Some(&pending.canvas), bounds);
        if changed.is_none() && pending.repeats < self.rules.max_repeats {
            pending.repeats += 1;
            return None;
        }
        let first = pending.first + pending.repeats;
        // What vanishes can only be cleared with the patch before, which is drawn that large.
        let vanished = canvas.vanished_since(&pending.canvas);
        pending.rect = vanished.map_or(pending.rect, |vanished| pending.rect.around(vanished));
        let (kept, cleared) = (changed, rect_after_clearing(pending, &canvas, changed));
        let (kept, cleared) = (rules.drawable(kept, bounds), rules.drawable(cleared, bounds));
        let is_cleared = vanished.is_some() || cleared.area() < kept.area();
        let rect = if is_cleared { cleared } else { kept };
        let (before, cleared) = (Some(Arc::clone(&pending.canvas)), is_cleared.then_some(pending.rect));
        let next = Patch { canvas, before, cleared, rect, is_cleared_after: false, first, repeats: 1 };
        let mut done = self.pending.replace(next)?;
        done.is_cleared_after = is_cleared;
        if self.rules.min_repeats <= 1 {
            return Some(done);
        }
        self.before = Some(done);
        None
    }

    /// The last patches, at most two: none if there were no frames. A last patch that is too short
    /// is left out, and the one before is shown until the end.
    pub(crate) fn finish(self) -> impl Iterator<Item = Patch<C>> {
        let (mut before, mut last) = (self.before, self.pending);
        if let (Some(before), Some(short)) = (&mut before, &last)
            && before.repeats + short.repeats <= self.rules.max_repeats
        {
            before.repeats += short.repeats;
            before.is_cleared_after = false;
            last = None;
        }
        before.into_iter().chain(last)
    }
}

/// The rectangle to draw if the rectangle of `pending` is cleared first: everything visible there
/// and all changes elsewhere.
fn rect_after_clearing<C: Canvas>(pending: &Patch<C>, canvas: &C, changed: Option<Rect>) -> Option<Rect> {
    let visible = canvas.changed_since(None, pending.rect);
    let elsewhere = changed.into_iter().flat_map(|changed| changed.without(pending.rect));
    bounding_rect(elsewhere.filter_map(|part| canvas.changed_since(Some(&pending.canvas), part)).chain(visible))
}

/// The patches of `canvases`, each produced as soon as it is decided.
pub(crate) fn patches<C: Canvas>(
    rules: ScheduleRules,
    mut canvases: impl Iterator<Item = Arc<C>>,
) -> impl Iterator<Item = Patch<C>> {
    let mut schedule = Some(Schedule::new(rules));
    let mut last = None;
    std::iter::from_fn(move || {
        if let Some(patch) = schedule.as_mut().and_then(|current| canvases.find_map(|canvas| current.push(canvas))) {
            return Some(patch);
        }
        if let Some(schedule) = schedule.take() {
            last = Some(schedule.finish());
        }
        last.as_mut()?.next()
    })
}
