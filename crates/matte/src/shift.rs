//! Difference between the light of one frame and the clip's usual light: flicker, exposure, white
//! balance, fades.

use crate::sample::{NEUTRAL, Sample};

/// Largest difference of a background pixel from the expected color while the light of its frame is
/// unknown, in levels of Y', Cb, Cr: the unevenness and grain of a filmed wall. More takes in
/// subjects of a similar color.
pub(crate) const COARSE_TOLERANCES: [f64; 3] = [24.0, 14.0, 14.0];

/// Weight of a reading at the border of the frame, relative to one inside. Subjects stand inside.
/// More makes a few covered readings of the border decide.
const BORDER_WEIGHT: f64 = 3.0;

/// Weight of readings that agree with another light, relative to those that agree with the usual
/// light. A flat subject may be larger than the visible background; but if the light really
/// changed, nothing agrees with the usual one.
const OTHER_WEIGHT: f64 = 0.2;

/// Share of a frame that, when it agrees with the usual light, settles the question. It saves the
/// second guess for most frames; the rest may belong to the subject.
const CERTAIN_SHARE: f64 = 0.35;

/// Minimum share of the border that must agree with the usual light for the light to be measured
/// there first. With less, the subject covers the border.
const MIN_BORDER_SHARE: f64 = 0.12;

/// Distance of readings all over the frame from the light at the border within which they refine
/// it, as a share of the tolerances. A subject may be nearer than the tolerances.
const NARROW_SHARE: f64 = 0.5;

/// Side of the cells in which differences are counted, in levels: grain spreads over a cell and its
/// neighbors.
const CELL: f64 = 8.0;

/// Allowed brightness relative to the usual one. A fade with less contrast shows nothing; more
/// brightness is another background.
const GAINS: std::ops::RangeInclusive<f64> = 0.05..=1.8;

/// The light of one frame relative to the usual light. Where the usual level is `usual`, the frame
/// has `level + gain * (usual - centre)`, for Y', Cb, Cr.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shift {
    /// Contrast of the background's own unevenness, relative to the usual one.
    pub(crate) gain: f64,
    /// Level of the frame where the usual level is [`Shift::centre`].
    pub(crate) level: [f64; 3],
    /// Mean color of the background in the usual light.
    pub(crate) centre: [f64; 3],
}

impl Shift {
    /// The usual light itself.
    pub(crate) const fn none(centre: [f64; 3]) -> Self {
        Self { gain: 1.0, level: centre, centre }
    }

    /// The level expected in the frame where the usual level is `usual`.
    pub(crate) fn expected(&self, usual: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|k| self.level[k] + self.gain * (usual[k] - self.centre[k]))
    }

    /// A color of the usual light in this light. The gain follows from the levels alone: that of the
    /// unevenness is uncertain on an even background, and a color lies far from it.
    pub(crate) fn lit(&self, color: [f64; 3]) -> [f64; 3] {
        let gain = luma_gain(self.centre, self.level);
        [0, 1, 2].map(|k| self.level[k] + gain * (color[k] - self.centre[k]))
    }

    /// Weight of a frame's agreement with this light. In a light outside `tolerances` of the usual
    /// one, the agreeing pixels may be a subject.
    pub(crate) fn weight(&self, tolerances: [f64; 3]) -> f64 {
        let is_usual = (0..3).all(|k| (self.level[k] - self.centre[k]).abs() <= tolerances[k]);
        if is_usual { 1.0 } else { OTHER_WEIGHT }
    }

    /// The usual level that corresponds to the level `seen` in the frame.
    pub(crate) fn usual(&self, seen: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|k| self.centre[k] + (seen[k] - self.level[k]) / self.gain)
    }

    /// Estimates the shift of a frame from its samples. Also returns the share of the frame that
    /// agrees with it, 0.0..=1.0, with a higher weight for the border.
    ///
    /// `usual` is the background's usual level at a sample; a background pixel is within
    /// `tolerances` of the expected level. Two guesses are compared: the usual light, as the border
    /// shows it, and the most frequent difference from it if a change of light can cause that. The
    /// better one is then fitted: the mean level of the agreeing readings, and the growth of their
    /// unevenness with the usual unevenness (a regression towards the gain that follows from the
    /// levels).
    pub(crate) fn estimate(
        samples: &[Sample],
        usual: impl Fn(&Sample) -> [f64; 3],
        centre: [f64; 3],
        tolerances: [f64; 3],
    ) -> (Self, f64) {
        let readings: Vec<Reading> = samples.iter().map(|sample| Reading::new(sample, usual(sample))).collect();
        let total = readings.iter().map(|reading| reading.weight).sum::<f64>().max(1.0);
        let coarse = [0, 1, 2].map(|k| tolerances[k].max(COARSE_TOLERANCES[k]));
        let none = Self::none(centre);
        let usual_shift = none.fitted_from_border(&readings, coarse, tolerances).unwrap_or_else(|| {
            none.fitted(&readings, coarse).fitted(&readings, tolerances).fitted(&readings, tolerances)
        });
        let support = usual_shift.support(&readings, tolerances) / total;
        if support >= CERTAIN_SHARE {
            return (usual_shift, support);
        }
        let Some(other) = most_frequent(&readings).and_then(|difference| none.with_difference(difference)) else {
            return (usual_shift, support);
        };
        let other = other.fitted(&readings, tolerances).fitted(&readings, tolerances);
        let other_support = other.support(&readings, tolerances) / total;
        if support >= OTHER_WEIGHT * other_support { (usual_shift, support) } else { (other, other_support) }
    }

    /// The shift fitted again to the readings at the border within `coarse`, then to all that are
    /// near it. `None` if too little of the border agrees with it.
    fn fitted_from_border(&self, readings: &[Reading], coarse: [f64; 3], tolerances: [f64; 3]) -> Option<Self> {
        let border: Vec<Reading> = readings.iter().filter(|reading| reading.at_border).copied().collect();
        let shift = self.fitted(&border, coarse).fitted(&border, tolerances);
        let total = border.iter().map(|reading| reading.weight).sum::<f64>().max(1.0);
        let narrow = tolerances.map(|tolerance| NARROW_SHARE * tolerance);
        (shift.support(&border, tolerances) >= MIN_BORDER_SHARE * total)
            .then(|| shift.fitted(readings, narrow).fitted(readings, narrow))
    }

    /// The shift with its level moved by `difference`; `None` if another light on the same
    /// background cannot cause that. The hue must stay, except for a change of white balance, or
    /// the whole must fade to white.
    fn with_difference(&self, difference: [f64; 3]) -> Option<Self> {
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
        // The levels also give a gain. It has the weight of an unevenness of one level.
        let level_gain = luma_gain(usual, seen);
        let gain = ((covariance + level_gain) / (variance + 1.0)).clamp(*GAINS.start(), *GAINS.end());
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

/// One sample and the usual level at its place.
#[derive(Clone, Copy)]
struct Reading {
    seen: [f64; 3],
    usual: [f64; 3],
    at_border: bool,
    weight: f64,
}

impl Reading {
    fn new(sample: &Sample, usual: [f64; 3]) -> Self {
        let at_border = sample.at_border;
        Self { seen: sample.ycc, usual, at_border, weight: if at_border { BORDER_WEIGHT } else { 1.0 } }
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
    fn add(&mut self, Reading { seen, usual, weight, .. }: &Reading) {
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

/// The factor from the chroma of `centre` to that of `level`, along the first; `None` if `centre`
/// is too neutral to give one.
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

/// The mode of weighted points: the mean of the points around the heaviest cell of [`CELL`] levels
/// a side. The weight of a cell includes its neighbors.
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
