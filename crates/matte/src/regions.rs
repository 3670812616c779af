//! Classification of the connected regions that look like background: those connected to the
//! border, and true pockets.

use crate::{
    outline::next_below,
    runs::{Run, look_alike_runs, root_of},
};

/// Maximum mean distance of a flat pocket, in hundredths of the limit: smeared chroma between lines
/// makes it that large. More opens holes in subjects near the background's color.
const MAX_MEAN_DISTANCE: u64 = 75;

/// The same for a pocket that only the previous frame shows to be background. Less, because a
/// subject that moves over the pocket has to be told from it.
const MAX_MEAN_DISTANCE_FOLLOWED: u64 = 50;

/// Sums over a connected region of look-alike pixels.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    area: u64,
    total_distance: u64,
    touches_border: bool,
    /// Smallest rectangle around the region: first and last row, first column and the one after the
    /// last.
    rows: [u32; 2],
    columns: [u32; 2],
    /// Pixels that also looked like background in the previous frame, and those of them that were
    /// background.
    alike_before: u64,
    background_before: u64,
}

/// The regions (4-connected) of one frame that look like background, and which of them are.
///
/// A region is background if it touches the border of the frame. It is also background if it is a
/// pocket, a flat enclosed patch, and something else shows that it is. Flat: at least 12 pixels
/// with a mean distance of at most [`MAX_MEAN_DISTANCE`] of the limit, which also covers a slightly
/// wrong estimate of the light behind the subject and smeared chroma. Something else: a background
/// color that subjects seldom have by chance, or the previous frame, in which the region already
/// lay there and was background.
#[derive(Debug, Clone)]
pub(crate) struct Regions {
    width: usize,
    limit: u8,
    runs: Vec<Run>,
    /// Index of the first run of each row, and the number of runs at the end.
    rows: Vec<u32>,
    /// Per run; valid for the root run of each region.
    tallies: Vec<Tally>,
    /// Per run: whether it is background.
    is_background: Vec<bool>,
}

/// A flat patch enclosed by subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlatPocket {
    /// Number of pixels.
    pub(crate) area: u64,
    /// Sum of the distances of its pixels from the background.
    pub(crate) total_distance: u64,
    /// Smallest rectangle around it: first row and column, and those after the last.
    pub(crate) rows: [u32; 2],
    pub(crate) columns: [u32; 2],
    pub(crate) is_background: bool,
}

impl Regions {
    /// Finds the regions of pixels below `limit` in `distance` and classifies them by this frame
    /// alone. Pockets are background if `pockets_are_background`.
    pub(crate) fn find(distance: &[u8], width: usize, limit: u8, pockets_are_background: bool) -> Self {
        let height = distance.len() / width;
        let mut runs = look_alike_runs(distance, width, limit);
        let mut tallies = vec![Tally::default(); runs.len()];
        for index in 0..runs.len() {
            let run = runs[index];
            let root = root_of(&mut runs, index as u32);
            runs[index].parent = root;
            let pixels = &distance[run.pixels(width)];
            let tally = &mut tallies[root as usize];
            tally.enclose(run);
            tally.area += pixels.len() as u64;
            tally.total_distance += pixels.iter().map(|&value| u64::from(value)).sum::<u64>();
            tally.touches_border |=
                run.y == 0 || run.y as usize + 1 == height || run.start == 0 || run.end as usize == width;
        }
        let rows = (0..=height).map(|y| runs.partition_point(|run| (run.y as usize) < y) as u32).collect();
        let is_background = runs.iter().map(|run| {
            let tally = tallies[run.parent as usize];
            tally.touches_border || (pockets_are_background && tally.is_flat(limit, MAX_MEAN_DISTANCE))
        });
        Self { width, limit, rows, is_background: is_background.collect(), tallies, runs }
    }

    /// Classifies the pockets that are still subject by their state in `previous`, the frame before
    /// this one.
    ///
    /// A quarter of the pocket must have looked like background there, and nine in ten of those
    /// pixels must have been background: a pocket moves, and what replaces it is something else. An
    /// enclosure must have been near as well: a subject that appears all at once brings its own
    /// look-alikes with it.
    pub(crate) fn follow_pockets(&mut self, previous: &Self) {
        if self.width != previous.width || self.rows.len() != previous.rows.len() {
            return;
        }
        for index in (0..self.runs.len()).filter(|&index| !self.is_background[index]) {
            let run = self.runs[index];
            let tally = &mut self.tallies[run.parent as usize];
            let row = previous.rows[run.y as usize] as usize..previous.rows[run.y as usize + 1] as usize;
            let first = row.start + previous.runs[row.clone()].partition_point(|other| other.end <= run.start);
            for other in (first..row.end).take_while(|&other| previous.runs[other].start < run.end) {
                let shared =
                    u64::from(previous.runs[other].end.min(run.end) - previous.runs[other].start.max(run.start));
                tally.alike_before += shared;
                tally.background_before += if previous.is_background[other] { shared } else { 0 };
            }
        }
        let is_followed: Vec<bool> =
            self.tallies.iter().map(|tally| tally.is_followed_from(previous, self.limit)).collect();
        for (is_background, run) in self.is_background.iter_mut().zip(&self.runs) {
            *is_background |= is_followed[run.parent as usize];
        }
    }

    /// Returns true if there are flat pockets of `min_pixels` and more that are not background.
    pub(crate) fn has_pockets(&self, min_pixels: u64) -> bool {
        let mut found = self.tallies.iter().zip(&self.is_background);
        found.any(|(tally, is_background)| {
            !is_background && tally.area >= min_pixels && tally.is_flat(self.limit, MAX_MEAN_DISTANCE)
        })
    }

    /// Marks flat pockets of `min_pixels` and more as background if `is_background` returns true
    /// for their pixels, given as stretches of rows.
    pub(crate) fn mark_pockets(
        &mut self,
        min_pixels: u64,
        mut is_background: impl FnMut(&[std::ops::Range<usize>]) -> bool,
    ) {
        let mut pockets: std::collections::BTreeMap<u32, Vec<usize>> = std::collections::BTreeMap::new();
        for (index, run) in self.runs.iter().enumerate().filter(|(index, _)| !self.is_background[*index]) {
            let tally = self.tallies[run.parent as usize];
            if tally.area >= min_pixels && tally.is_flat(self.limit, MAX_MEAN_DISTANCE) {
                pockets.entry(run.parent).or_default().push(index);
            }
        }
        for runs in pockets.values() {
            let pixels: Vec<_> = runs.iter().map(|&index| self.runs[index].pixels(self.width)).collect();
            if is_background(&pixels) {
                for &index in runs {
                    self.is_background[index] = true;
                }
            }
        }
    }

    /// Marks the regions as background that contain a pixel that is not 0 in `removed`.
    pub(crate) fn mark_where(&mut self, removed: &[u8]) {
        let mut is_marked = vec![false; self.runs.len()];
        for run in &self.runs {
            is_marked[run.parent as usize] |= removed[run.pixels(self.width)].iter().any(|&removed| removed != 0);
        }
        for (is_background, run) in self.is_background.iter_mut().zip(&self.runs) {
            *is_background |= is_marked[run.parent as usize];
        }
    }

    /// Returns true if all pixels of some rows and columns are background.
    fn are_background(&self, mut rows: std::ops::Range<u32>, columns: std::ops::Range<u32>) -> bool {
        rows.all(|row| {
            let row = self.rows[row as usize] as usize..self.rows[row as usize + 1] as usize;
            let at = row.start + self.runs[row.clone()].partition_point(|run| run.end <= columns.start);
            at < row.end
                && self.is_background[at]
                && self.runs[at].start <= columns.start
                && columns.end <= self.runs[at].end
        })
    }

    /// The flat pockets.
    pub(crate) fn flat_pockets(&self) -> impl Iterator<Item = FlatPocket> {
        self.tallies.iter().enumerate().filter_map(|(index, tally)| {
            let is_pocket = self.runs[index].parent == index as u32
                && !tally.touches_border
                && tally.is_flat(self.limit, MAX_MEAN_DISTANCE);
            is_pocket.then(|| FlatPocket {
                area: tally.area,
                total_distance: tally.total_distance,
                rows: [tally.rows[0], tally.rows[1] + 1],
                columns: tally.columns,
                is_background: self.is_background[index],
            })
        })
    }

    /// Mask of the frame: 0 where a pixel is background, 255 elsewhere.
    pub(crate) fn mask(&self) -> Vec<u8> {
        self.mask_of(|index| self.is_background[index])
    }

    /// Mask of the outer background: 0 where a pixel is background connected to the border of the
    /// frame, 255 elsewhere.
    pub(crate) fn outer_mask(&self) -> Vec<u8> {
        self.mask_of(|index| self.tallies[self.runs[index].parent as usize].touches_border)
    }

    fn mask_of(&self, is_clear: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut mask = vec![255; self.width * (self.rows.len() - 1)];
        for (_, run) in self.runs.iter().enumerate().filter(|(index, _)| is_clear(*index)) {
            mask[run.pixels(self.width)].fill(0);
        }
        mask
    }
}

impl Tally {
    /// Extends the rectangle by a run. Runs must come in row order.
    fn enclose(&mut self, run: Run) {
        if self.area == 0 {
            (self.rows, self.columns) = ([run.y, run.y], [run.start, run.end]);
        }
        self.rows[1] = run.y;
        self.columns = [self.columns[0].min(run.start), self.columns[1].max(run.end)];
    }

    /// Returns true if this pocket already lay in the frame `previous`, see
    /// [`Regions::follow_pockets`].
    fn is_followed_from(&self, previous: &Regions, limit: u8) -> bool {
        4 * self.alike_before >= self.area
            && 10 * self.background_before >= 9 * self.alike_before
            && self.background_before > 0
            && self.is_flat(limit, MAX_MEAN_DISTANCE_FOLLOWED)
            && !self.surroundings_were_background(previous)
    }

    /// Returns true if the rectangle around this pocket, wider by a quarter on each side (walls
    /// move), was background all over.
    fn surroundings_were_background(&self, previous: &Regions) -> bool {
        let wider = |[first, end]: [u32; 2], most: u32| {
            let margin = 2 + (end - first) / 4;
            [first.saturating_sub(margin), (end + margin).min(most)]
        };
        let [first, end] = wider([self.rows[0], self.rows[1] + 1], previous.rows.len() as u32 - 1);
        let [left, right] = wider(self.columns, previous.width as u32);
        previous.are_background(first..end, left..right)
    }

    /// Returns true for 12 pixels and more whose mean distance is at most so many hundredths of the
    /// limit.
    fn is_flat(&self, limit: u8, share: u64) -> bool {
        self.area >= 12 && 100 * self.total_distance <= share * u64::from(limit) * self.area
    }
}

/// Mask (0, else 255) of the background of `mask` and of the regions of pixels below `limit` that
/// contain some of it.
pub(crate) fn grown_mask(distance: &[u8], width: usize, limit: u8, mask: &[u8]) -> Vec<u8> {
    let mut runs = look_alike_runs(distance, width, limit);
    let mut holds_background = vec![false; runs.len()];
    for index in 0..runs.len() {
        let run = runs[index];
        let root = root_of(&mut runs, index as u32) as usize;
        holds_background[root] |= next_below(&mask[run.pixels(width)], 0, 1) < run.len();
    }
    let mut grown = mask.to_vec();
    for index in 0..runs.len() {
        let run = runs[index];
        if holds_background[root_of(&mut runs, index as u32) as usize] {
            grown[run.pixels(width)].fill(0);
        }
    }
    grown
}

#[cfg(test)]
mod tests {
    use super::*;

    const RING: [&str; 9] = [
        ".........",
        ".#######.",
        ".#.....#.",
        ".#.....#.",
        ".#.....#.",
        ".#.....#.",
        ".#.....#.",
        ".#######.",
        ".........",
    ];

    fn ring_distance(inside: u8) -> Vec<u8> {
        let mut distance: Vec<u8> = RING.concat().bytes().map(|b| if b == b'#' { 255 } else { 0 }).collect();
        for y in 2..7 {
            distance[y * 9 + 2..y * 9 + 7].fill(inside);
        }
        distance
    }

    #[test]
    fn the_background_seen_through_a_ring_is_background() {
        let mask = Regions::find(&ring_distance(3), 9, 32, true).mask();
        assert_eq!((mask[0], mask[10], mask[4 * 9 + 4]), (0, 255, 0));
    }

    #[test]
    fn an_enclosed_patch_that_merely_resembles_the_background_is_subject() {
        assert_eq!(Regions::find(&ring_distance(26), 9, 32, true).mask()[4 * 9 + 4], 255);
        assert_eq!(Regions::find(&ring_distance(3), 9, 32, false).mask()[4 * 9 + 4], 255);
    }

    #[test]
    fn a_pocket_that_was_background_in_the_previous_frame_stays_background() {
        let mut open = ring_distance(3);
        open[4 * 9 + 1] = 3;
        let mut closed = Regions::find(&ring_distance(3), 9, 32, false);
        closed.follow_pockets(&Regions::find(&open, 9, 32, false));
        assert_eq!(closed.mask()[4 * 9 + 4], 0);
        let mut still = Regions::find(&ring_distance(3), 9, 32, false);
        still.follow_pockets(&closed);
        assert_eq!(still.mask()[4 * 9 + 4], 0);
    }

    #[test]
    fn look_alikes_enclosed_by_a_suddenly_appearing_subject_are_subject() {
        let mut ring = Regions::find(&ring_distance(3), 9, 32, false);
        ring.follow_pockets(&Regions::find(&[3; 81], 9, 32, false));
        assert_eq!(ring.mask()[4 * 9 + 4], 255);
    }

    #[test]
    fn a_pocket_is_followed_while_a_quarter_of_it_was_background_before() {
        let before = |shut_columns: usize| {
            let mut open = ring_distance(3);
            open[4 * 9 + 1] = 3;
            for y in 2..7 {
                open[y * 9 + 2..y * 9 + 2 + shut_columns].fill(255);
            }
            // The gap to the border is on the other side then.
            open[4 * 9 + 7] = 3;
            Regions::find(&open, 9, 32, false)
        };
        let mut followed = Regions::find(&ring_distance(3), 9, 32, false);
        followed.follow_pockets(&before(3));
        assert_eq!(followed.mask()[4 * 9 + 4], 0);
        let mut lost = Regions::find(&ring_distance(3), 9, 32, false);
        lost.follow_pockets(&before(4));
        assert_eq!(lost.mask()[4 * 9 + 4], 255);
    }

    #[test]
    fn an_enclosed_look_alike_patch_that_was_not_background_before_is_subject() {
        let mut covered = vec![255; 81];
        covered[..9].fill(0);
        let mut patch = Regions::find(&ring_distance(3), 9, 32, false);
        patch.follow_pockets(&Regions::find(&covered, 9, 32, false));
        assert_eq!(patch.mask()[4 * 9 + 4], 255);
        patch.follow_pockets(&Regions::find(&ring_distance(3), 9, 32, false));
        assert_eq!(patch.mask()[4 * 9 + 4], 255);
    }
}
