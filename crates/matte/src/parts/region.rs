//! Region that the second part of a background fills: one side of a cut, bars, or a surround.
//!
//! The region is searched for on the places of the sample grid, by which part most frames show
//! there.

use crate::sample::SAMPLES_ALONG_SIDE;

/// Maximum area of both parts on the wrong side of the cut, as a share of the smaller part: noise,
/// and half a step of the sample grid. Shoulders and a head leave more beside every cut.
const MAX_ASTRAY: f64 = 0.12;

/// Minimum share of its side of the cut that the second part must fill: a subject or neither part
/// covers the rest.
const MIN_FILLED: f64 = 0.5;

/// Minimum share of the frames that must show a part at a place that belongs to it: a moving
/// subject covers a place in fewer.
const MIN_FRAME_SHARE: f64 = 0.5;

/// Maximum distance from the cut at which the two parts blend, as a share of the frame's longer
/// side: a soft seam. Shares are measured only there, so a wider one costs time and lets a subject
/// that stands still leave its color.
const SEAM_WIDTH: f64 = 0.06;

/// Maximum width of a bar of a surround, as a share of the frame's width or height. Wider bars on
/// all sides around something flat may be the background around a sign.
const MAX_BAR_WIDTH: f64 = 0.17;

/// Minimum share of the middle halves of a surround's inner sides that must show another color than
/// the surround's. Those sides are straight; the outline of a round subject is not. The rest is for
/// a side that lies between two places of the grid.
const MIN_STRAIGHT_SHARE: f64 = 0.75;

/// Minimum share of the same places that must show the color inside. The screen of a phone has a
/// rim of another color.
const MIN_SIDE_SHARE: f64 = 0.5;

/// Maximum share of a surround that may show the color inside. Its sides are straight, and known to
/// half a step of the sample grid.
const MAX_BEYOND_SIDES: f64 = 0.045;

/// Maximum share of the enclosed area that may have the surround's color: round corners with a
/// radius of twice its widest bar.
const MAX_CORNER_SHARE: f64 = 0.14;

/// Maximum reach of a round corner of a surround into the enclosed area, as a share of the frame's
/// width and height: the diagonal of the roundest corner that [`MAX_CORNER_SHARE`] allows.
const CORNER_REACH: f64 = 0.12;

/// Distance between two places of the sample grid.
const GRID_STEP: f64 = 1.0 / SAMPLES_ALONG_SIDE as f64;

/// Region of a frame beyond cuts parallel to its sides, in shares of width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Region {
    /// Left, top, right, bottom of the inner rectangle. Everything beyond any of them is in the
    /// region.
    inner: [f64; 4],
}

impl Region {
    /// Returns true if a place is in the region.
    pub(crate) fn contains(&self, across: f64, down: f64) -> bool {
        let [left, top, right, bottom] = self.inner;
        across < left || down < top || across > right || down > bottom
    }

    /// Returns true if the region is one side of a cut, or bars on two opposite sides.
    fn is_side_or_bars(&self) -> bool {
        let [left, top, right, bottom] = self.inner;
        let (across, down) = (left > 0.0 || right < 1.0, top > 0.0 || bottom < 1.0);
        across != down
    }

    /// Returns true if the region is a surround: narrow bars on all four sides.
    pub(super) fn is_surround(&self) -> bool {
        let [left, top, right, bottom] = self.inner;
        [left, top, 1.0 - right, 1.0 - bottom].iter().all(|bar| *bar > 0.0 && *bar <= MAX_BAR_WIDTH)
    }

    /// First and last of the inner rectangle along an axis: 0 across, 1 down.
    pub(super) const fn span(&self, axis: usize) -> [f64; 2] {
        [self.inner[axis], self.inner[axis + 2]]
    }

    /// Width of the bar on a side: left, top, right, bottom.
    pub(super) fn bar(&self, side: usize) -> f64 {
        if side < 2 { self.inner[side] } else { 1.0 - self.inner[side] }
    }

    /// Returns true if the two parts may blend at a place: near a cut, or in the corner of a
    /// surround, which may be round.
    pub(crate) fn is_seam(&self, across: f64, down: f64) -> bool {
        let [left, top, right, bottom] = self.inner;
        let depth = [(across - left).min(right - across), (down - top).min(bottom - down)];
        self.distance(across, down) <= SEAM_WIDTH
            || (self.is_surround() && depth.iter().all(|depth| (0.0..=CORNER_REACH).contains(depth)))
    }

    /// Returns true if a place is just inside the middle half of a surround's inner side.
    fn is_along_side(&self, across: f64, down: f64) -> bool {
        let [left, top, right, bottom] = self.inner;
        let along = |at: f64, first: f64, last: f64| (at - f64::midpoint(first, last)).abs() <= 0.25 * (last - first);
        let (beside, over) = (along(down, top, bottom), along(across, left, right));
        !self.contains(across, down)
            && ((beside && (across - left).min(right - across) <= GRID_STEP)
                || (over && (down - top).min(bottom - down) <= GRID_STEP))
    }

    /// Distance to the nearest cut inside the frame, in shares of width and height.
    fn distance(&self, across: f64, down: f64) -> f64 {
        let [left, top, right, bottom] = self.inner;
        let cuts = [
            (across - left, left > 0.0),
            (down - top, top > 0.0),
            (right - across, right < 1.0),
            (bottom - down, bottom < 1.0),
        ];
        let inside =
            cuts.iter().filter(|(_, is_cut)| *is_cut).map(|(distance, _)| *distance).fold(f64::INFINITY, f64::min);
        inside.abs()
    }
}

/// Share of the frames that show each part at one place of the sample grid.
pub(crate) struct Place {
    pub(crate) across: f64,
    pub(crate) down: f64,
    pub(crate) at_border: bool,
    pub(crate) first: f64,
    pub(crate) second: f64,
}

impl Place {
    /// Returns true if the first part is visible here in most frames.
    fn is_first(&self) -> bool {
        self.first >= MIN_FRAME_SHARE && self.first > self.second
    }

    /// Returns true if the second part is visible here in most frames.
    fn is_second(&self) -> bool {
        self.second >= MIN_FRAME_SHARE && self.second > self.first
    }

    /// Exchanges the parts.
    pub(crate) fn swap(&mut self) {
        std::mem::swap(&mut self.first, &mut self.second);
    }
}

/// Finds the region that the second part fills: one side of a cut parallel to the frame's sides,
/// bars on two opposite sides, or a surround.
pub(crate) fn region_of(places: &[Place]) -> Option<Region> {
    // Cuts at any depth first: a region found with narrow bars alone may be half of a wide one.
    [1.0, MAX_BAR_WIDTH]
        .into_iter()
        .map(|deepest| best_region(places, deepest))
        .find(|region| is_second_part(*region, places))
}

/// The region with the fewest places on the wrong side, among all whose cuts are no deeper in the
/// frame than `deepest`.
fn best_region(places: &[Place], deepest: f64) -> Region {
    let misplaced = |region: &Region| {
        let wrong = places.iter().filter(|place| {
            let is_inside = region.contains(place.across, place.down);
            if is_inside { place.is_first() } else { place.is_second() }
        });
        wrong.count()
    };
    let best_cut = |region: Region, side: usize| -> Region {
        let cut = |depth: f64| {
            let mut inner = region.inner;
            inner[side] = if side < 2 { depth } else { 1.0 - depth };
            Region { inner }
        };
        let depths = (0..SAMPLES_ALONG_SIDE).map(|step| step as f64 * GRID_STEP).take_while(|depth| *depth <= deepest);
        depths.map(cut).min_by_key(misplaced).unwrap_or(region)
    };
    // Each side is optimized alone, twice: two bars depend on each other.
    let sides = [1, 3, 0, 2, 1, 3, 0, 2];
    sides.into_iter().fold(Region { inner: [0.0, 0.0, 1.0, 1.0] }, best_cut)
}

/// Returns true if the second part fills `region`, and the region has the shape of a background's
/// part.
fn is_second_part(region: Region, places: &[Place]) -> bool {
    let is_inside = |place: &&Place| region.contains(place.across, place.down);
    let count = |keeps: &dyn Fn(&&Place) -> bool| places.iter().filter(keeps).count() as f64;
    let (area, filled) = (count(&is_inside), count(&|place| place.is_second() && is_inside(place)));
    let foreign = count(&|place| place.is_first() && is_inside(place));
    if filled < MIN_FILLED * area {
        return false;
    }
    if region.is_surround() {
        let corners = count(&|place| place.is_second() && !is_inside(place));
        return foreign <= MAX_BEYOND_SIDES * area
            && corners <= MAX_CORNER_SHARE * (places.len() as f64 - area)
            && has_straight_sides(region, places);
    }
    // A subject of the second part's color may stand anywhere inside, but not at the frame's
    // border.
    let outside_at_border = count(&|place| place.is_second() && place.at_border && !is_inside(place));
    let smaller = filled.min(count(&|place| place.is_first()));
    region.is_side_or_bars() && smaller > 0.0 && outside_at_border + foreign <= MAX_ASTRAY * smaller
}

/// Returns true if the inner sides of a surround are straight: places next to them show not its
/// color, but the color inside or a subject.
fn has_straight_sides(region: Region, places: &[Place]) -> bool {
    let sides = places.iter().filter(|place| region.is_along_side(place.across, place.down));
    let count = |keeps: fn(&Place) -> bool| sides.clone().filter(|place| keeps(place)).count() as f64;
    let all = count(|_| true).max(1.0);
    count(|place| !place.is_second()) >= MIN_STRAIGHT_SHARE * all && count(Place::is_first) >= MIN_SIDE_SHARE * all
}
