//! How the light of one frame differs from the clip's usual: flicker, exposure, white balance, fades.

use crate::light::{NEUTRAL, Sample};

/// How far a background pixel may be from what is expected while its frame's light is not known yet, in levels of Y', Cb, Cr.
pub(crate) const ROUGHLY: [f64; 3] = [24.0, 14.0, 14.0];

/// How many readings inside the frame one reading at its border counts for: subjects stand inside.
const BORDER_WEIGHT: f64 = 3.0;

/// What agrees with another light counts this much against what agrees with the usual one: a flat subject may well be larger than what is
/// left of the background, whereas in another light nothing agrees with the usual one.
const OTHER_WEIGHT: f64 = 0.2;

/// The usual light is not doubted at all where so much of a frame agrees with it.
const CERTAIN: f64 = 0.35;

/// Levels a side of the cells in which differences are counted.
const CELL: f64 = 8.0;

/// The least brightness and the most against the usual one: a fade with less contrast shows nothing, more is another background.
const GAINS: std::ops::RangeInclusive<f64> = 0.05..=1.8;

/// What is expected in one frame where the usual level is `usual`: `level + gain * (usual - centre)`, for Y', Cb, Cr.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shift {
    /// Contrast of the background's own unevenness against the usual.
    pub(crate) gain: f64,
    /// Level where the usual one is [`Shift::centre`].
    pub(crate) level: [f64; 3],
    /// The background's mean color at the usual light.
    pub(crate) centre: [f64; 3],
}

impl Shift {
    /// No difference.
    pub(crate) const fn none(centre: [f64; 3]) -> Self {
        Self { gain: 1.0, level: centre, centre }
    }

    /// The level expected in the frame, where `usual` is the usual one.
    pub(crate) fn expected(&self, usual: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|k| self.level[k] + self.gain * (usual[k] - self.centre[k]))
    }

    /// How much it counts that a frame agrees: in another light than the usual, which is within `tolerances`, a subject may be what agrees.
    pub(crate) fn weight(&self, tolerances: [f64; 3]) -> f64 {
        let is_usual = (0..3).all(|k| (self.level[k] - self.centre[k]).abs() <= tolerances[k]);
        if is_usual { 1.0 } else { OTHER_WEIGHT }
    }

    /// The usual level that is behind `seen` in the frame.
    pub(crate) fn usual(&self, seen: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|k| self.centre[k] + (seen[k] - self.level[k]) / self.gain)
    }

    /// The shift of a frame with these samples, where `usual` is the background's usual level at a sample and a background pixel is
    /// within `tolerances` of it; and the share of the frame that agrees, 0.0..=1.0, its border weighing more.
    ///
    /// Two guesses are weighed: the usual light, and the most frequent difference from it, if light can have made that. The better one
    /// is then fitted: the mean level of what agrees, and how its unevenness grows with the usual one's (regression towards the gain
    /// that the levels themselves tell).
    pub(crate) fn of(
        samples: &[Sample],
        usual: impl Fn(&Sample) -> [f64; 3],
        centre: [f64; 3],
        tolerances: [f64; 3],
    ) -> (Self, f64) {
        let readings: Vec<Reading> = samples.iter().map(|sample| Reading::new(sample, usual(sample))).collect();
        let total = readings.iter().map(|reading| reading.weight).sum::<f64>().max(1.0);
        let roughly = [0, 1, 2].map(|k| tolerances[k].max(ROUGHLY[k]));
        let none = Self::none(centre);
        let ordinary = none.fitted(&readings, roughly).fitted(&readings, tolerances).fitted(&readings, tolerances);
        let support = ordinary.support(&readings, tolerances) / total;
        if support >= CERTAIN {
            return (ordinary, support);
        }
        let Some(other) = most_frequent(&readings).and_then(|difference| none.moved_by(difference)) else {
            return (ordinary, support);
        };
        let other = other.fitted(&readings, tolerances).fitted(&readings, tolerances);
        let other_support = other.support(&readings, tolerances) / total;
        if support >= OTHER_WEIGHT * other_support { (ordinary, support) } else { (other, other_support) }
    }

    /// The shift with the level moved by `difference`, if another light of the same background can have done that: the hue stays but for a
    /// change of white balance, or the whole fades to white.
    fn moved_by(&self, difference: [f64; 3]) -> Option<Self> {
        let level = [0, 1, 2].map(|k| self.centre[k] + difference[k]);
        let gain = chroma_gain(self.centre, level).unwrap_or_else(|| luma_gain(self.centre, level));
        let slack =
            4.0 + 0.06 * (level[0] - NEUTRAL[0]).max(0.0) + 0.2 * chroma(self.centre).0.hypot(chroma(self.centre).1);
        let is_of_hue = (1..3).all(|k| (level[k] - NEUTRAL[k] - gain * (self.centre[k] - NEUTRAL[k])).abs() <= slack);
        (is_of_hue && GAINS.contains(&gain)).then_some(Self { gain, level, centre: self.centre })
    }

    /// The shift fitted again to the readings within `tolerances` of it.
    fn fitted(&self, readings: &[Reading], tolerances: [f64; 3]) -> Self {
        let mut sums = Sums::default();
        for reading in readings.iter().filter(|reading| self.agrees(reading, tolerances)) {
            sums.add(reading);
        }
        if sums.weight <= 0.0 {
            return *self;
        }
        let mean = |sum: [f64; 3]| sum.map(|total| total / sums.weight);
        let (seen, usual) = (mean(sums.seen), mean(sums.usual));
        let covariance: f64 = (0..3).map(|k| sums.cross[k] / sums.weight - seen[k] * usual[k]).sum();
        let variance: f64 = (0..3).map(|k| sums.square[k] / sums.weight - usual[k] * usual[k]).sum();
        // The levels tell the gain, too; they count as much as an unevenness of one level.
        let told = luma_gain(usual, seen);
        let gain = ((covariance + told) / (variance + 1.0)).clamp(*GAINS.start(), *GAINS.end());
        let level = [0, 1, 2].map(|k| seen[k] + gain * (self.centre[k] - usual[k]));
        Self { gain, level, centre: self.centre }
    }

    fn agrees(&self, reading: &Reading, tolerances: [f64; 3]) -> bool {
        let expected = self.expected(reading.usual);
        (0..3).all(|k| (reading.seen[k] - expected[k]).abs() <= tolerances[k])
    }

    fn support(&self, readings: &[Reading], tolerances: [f64; 3]) -> f64 {
        readings.iter().filter(|reading| self.agrees(reading, tolerances)).map(|reading| reading.weight).sum()
    }
}

/// One sample beside what is usual there.
struct Reading {
    seen: [f64; 3],
    usual: [f64; 3],
    weight: f64,
}

impl Reading {
    fn new(sample: &Sample, usual: [f64; 3]) -> Self {
        Self { seen: sample.ycc, usual, weight: if sample.at_border { BORDER_WEIGHT } else { 1.0 } }
    }
}

/// Weighted sums over readings.
#[derive(Default)]
struct Sums {
    weight: f64,
    seen: [f64; 3],
    usual: [f64; 3],
    cross: [f64; 3],
    square: [f64; 3],
}

impl Sums {
    fn add(&mut self, Reading { seen, usual, weight }: &Reading) {
        self.weight += weight;
        for k in 0..3 {
            self.seen[k] += weight * seen[k];
            self.usual[k] += weight * usual[k];
            self.cross[k] += weight * seen[k] * usual[k];
            self.square[k] += weight * usual[k] * usual[k];
        }
    }
}

fn chroma(level: [f64; 3]) -> (f64, f64) {
    (level[1] - NEUTRAL[1], level[2] - NEUTRAL[2])
}

/// The factor between two chromas along the first; `None` where that is neutral and tells nothing.
fn chroma_gain(centre: [f64; 3], level: [f64; 3]) -> Option<f64> {
    let ((blue, red), (cb, cr)) = (chroma(centre), chroma(level));
    let square = blue * blue + red * red;
    (square >= 200.0).then(|| (blue * cb + red * cr) / square)
}

fn luma_gain(centre: [f64; 3], level: [f64; 3]) -> f64 {
    let [from, to] = [centre[0], level[0]].map(|luma| luma - NEUTRAL[0]);
    chroma_gain(centre, level)
        .unwrap_or_else(|| if from >= 16.0 { to / from } else { 1.0 })
        .clamp(*GAINS.start(), *GAINS.end())
}

/// The difference from the usual level that most readings share.
fn most_frequent(readings: &[Reading]) -> Option<[f64; 3]> {
    let difference = |reading: &Reading| [0, 1, 2].map(|k| reading.seen[k] - reading.usual[k]);
    mode(readings.iter().map(|reading| (difference(reading), reading.weight)))
}

/// The most frequent of weighted points: the mean of those around the heaviest cell of [`CELL`] levels a side, its neighbors counted in.
pub(crate) fn mode(points: impl Iterator<Item = ([f64; 3], f64)> + Clone) -> Option<[f64; 3]> {
    let mut cells = std::collections::BTreeMap::<[i32; 3], f64>::new();
    for (point, weight) in points.clone() {
        *cells.entry(point.map(|value| (value / CELL).floor() as i32)).or_default() += weight;
    }
    let heaviness = |cell: &[i32; 3]| -> f64 {
        let near = (0..27).map(|n| [cell[0] + n % 3 - 1, cell[1] + n / 3 % 3 - 1, cell[2] + n / 9 - 1]);
        near.filter_map(|neighbor| cells.get(&neighbor)).sum()
    };
    let (cell, _) = cells.keys().map(|cell| (cell, heaviness(cell))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let centre = cell.map(|index| (f64::from(index) + 0.5) * CELL);
    let near = points.filter(|(point, _)| (0..3).all(|k| (point[k] - centre[k]).abs() <= 1.5 * CELL));
    let (sum, weight) = near.fold(([0.0; 3], 0.0), |(sum, total), (point, weight)| {
        ([0, 1, 2].map(|k| sum[k] + weight * point[k]), total + weight)
    });
    (weight > 0.0).then(|| sum.map(|total| total / weight))
}
