//! Detection of a tone that a subject has bent: a fit that starts with wide tolerances may take a
//! large pale subject for uneven light. Uneven light has no outline.

use crate::{sample::Sample, tone::Tone};

/// Minimum share of the frames that lies behind an outline if a subject has bent a tone. Less bends
/// no fit.
const MIN_AREA: f64 = 0.02;

/// Minimum median step across such an outline, in levels, besides two deviations of noise. Between
/// neighboring samples, uneven light differs by one or two levels, a soft shadow by four.
const MIN_STEP: f64 = 3.0;

/// Returns true if `tone` agrees with an area behind an outline that `from_border`, the tone of the
/// border and of what continues it, does not match.
pub(crate) fn covers_an_outline(tone: &Tone, from_border: &Tone, per_frame: &[&[Sample]]) -> bool {
    let (mut area, mut total) = (0, 0);
    let mut steps = Vec::new();
    for samples in per_frame {
        let sides = sides(tone, from_border, samples);
        area += sides.iter().filter(|side| **side == Side::Behind).count();
        total += samples.len();
        for (pair, sides) in samples.windows(2).zip(sides.windows(2)) {
            let is_outline = matches!(sides, [Side::Continued, Side::Behind] | [Side::Behind, Side::Continued]);
            // Samples come in rows from left to right.
            if is_outline && pair[0].u < pair[1].u {
                steps.push((0..3).map(|k| (pair[0].ycc[k] - pair[1].ycc[k]).abs()).fold(0.0, f64::max));
            }
        }
    }
    let middle = steps.len() / 2;
    area as f64 >= MIN_AREA * total as f64
        && middle > 0
        && *steps.select_nth_unstable_by(middle, f64::total_cmp).1 >= MIN_STEP + 2.0 * f64::from(from_border.noise[0])
}

/// Where a sample lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// It continues the border.
    Continued,
    /// It agrees with the wide tone alone.
    Behind,
    Subject,
}

/// Where each sample of a frame lies.
fn sides(tone: &Tone, from_border: &Tone, samples: &[Sample]) -> Vec<Side> {
    let [shift, border_shift] = [tone, from_border].map(|tone| tone.shift_in(samples).0);
    let side = |sample: &Sample| match from_border.matches(&border_shift, sample) {
        true => Side::Continued,
        false if tone.agrees(&shift, sample) => Side::Behind,
        false => Side::Subject,
    };
    samples.iter().map(side).collect()
}
