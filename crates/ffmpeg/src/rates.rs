//! The constant frame rate that suits the times of a clip's frames: one at which every frame is shown
//! once, else one that shows almost every frame on time.

use clearcut_frame::FrameRate;

/// Rate of a clip that states none, such as a single frame: the common rate of European television.
pub(crate) const DEFAULT_RATE: FrameRate = match FrameRate::new(25, 1) {
    Some(rate) => rate,
    None => unreachable!(),
};

/// The rates of cameras, films and screens in ascending order, as (frames, seconds).
const USUAL_RATES: [(u32, u32); 17] = [
    (10, 1),
    (12, 1),
    (15, 1),
    (20, 1),
    (24000, 1001),
    (24, 1),
    (25, 1),
    (30000, 1001),
    (30, 1),
    (50, 1),
    (60000, 1001),
    (60, 1),
    (90, 1),
    (100, 1),
    (120, 1),
    (144, 1),
    (240, 1),
];

fn usual_rates() -> impl Iterator<Item = FrameRate> {
    USUAL_RATES.into_iter().filter_map(|(frames, seconds)| FrameRate::new(frames, seconds))
}

/// The usual rate that a container with coarse timestamps approximates: 24 is stored as 23.998 in
/// units of a hundred-thousandth of a second. The frame times decide whether it applies.
pub(crate) fn usual_rate_near(rate: FrameRate) -> Option<FrameRate> {
    let is_near = |usual: &FrameRate| (usual.per_second() / rate.per_second() - 1.0).abs() < 3e-4;
    usual_rates().find(is_near)
}

/// The first rate at which no frame is repeated or dropped: of `header_rates`, the last of which is
/// the average and comes after the usual ones, since jitter bends the average of a short clip.
pub(crate) fn constant_rate(starts: &[f64], header_rates: &[FrameRate]) -> Option<FrameRate> {
    if starts.len() == 1 {
        // Headers of single frames state the clock of the container, such as 90,000 per second.
        let stated = header_rates.iter().copied().find(|rate| rate.per_second() <= SCREEN_RATE);
        return Some(stated.unwrap_or(DEFAULT_RATE));
    }
    let (average, stated) = header_rates.split_last().map_or((None, header_rates), |(last, rest)| (Some(*last), rest));
    // Of a few frames, many usual rates show each once; the times of the frames tell which is meant.
    let usual = usual_rates().filter(|rate| is_constant(starts, *rate));
    let usual = usual.min_by(|a, b| distance_from(starts, *a).total_cmp(&distance_from(starts, *b)));
    let stated = stated.iter().copied().find(|rate| is_constant(starts, *rate));
    stated.or(usual).or_else(|| average.filter(|rate| is_constant(starts, *rate)))
}

/// Mean distance in seconds of frame i from i / rate.
fn distance_from(starts: &[f64], rate: FrameRate) -> f64 {
    let first = starts.first().copied().unwrap_or(0.0);
    let frame = 1.0 / rate.per_second();
    let distances = starts.iter().enumerate().map(|(index, start)| (start - first - index as f64 * frame).abs());
    distances.sum::<f64>() / starts.len().max(1) as f64
}

/// Whether frame i starts within half a frame of i / rate for every i, so that no frame is repeated
/// or dropped.
fn is_constant(starts: &[f64], rate: FrameRate) -> bool {
    let Some(first) = starts.first() else { return false };
    let frame = 1.0 / rate.per_second();
    starts.iter().enumerate().all(|(index, start)| (start - first - index as f64 * frame).abs() < frame / 2.0)
}

/// Share of the frames that a rate up to [`SCREEN_RATE`] may lose: frames that lie closer together
/// by accident, as in recordings of a screen.
const MAX_LOST: f64 = 0.01;
/// The rate of common screens. A higher one is used only if this one lost a tenth of the frames.
const SCREEN_RATE: f64 = 60.0;
const MAX_LOST_AT_SCREEN_RATE: f64 = 0.1;

/// Mean time in seconds by which frames may be shown too early or too late. Without this limit, a
/// GIF whose frames last 70 and 100 ms would stutter at 15 frames per second.
const MAX_MEAN_ERROR: f64 = 0.01;

/// The same for a stated rate on whose grid the frames lie, with some places empty: containers
/// round timestamps to a millisecond.
pub(crate) const ROUNDING: f64 = 1e-3;

/// The rate of the header on whose grid the frames of an uneven clip lie, else the lowest usual rate
/// that shows almost every frame, and shows it on time.
pub(crate) fn rate_for_uneven(starts: &[f64], header_rates: &[FrameRate]) -> FrameRate {
    let is_plausible = |rate: &FrameRate| (1.0..=SCREEN_RATE).contains(&rate.per_second());
    let mut stated = header_rates.iter().copied().filter(is_plausible);
    let lost = |rate: FrameRate| lost_frames(starts, rate) as f64 / starts.len() as f64;
    let fits_within = |rate: &FrameRate, error: f64| lost(*rate) <= MAX_LOST && mean_error(starts, *rate) <= error;
    if let Some(rate) = stated.find(|rate| fits_within(rate, ROUNDING)) {
        return rate;
    }
    let rates: Vec<FrameRate> = usual_rates().collect();
    let mut up_to_screen = rates.iter().copied().filter(|rate| rate.per_second() <= SCREEN_RATE);
    let fits = |rate: &FrameRate| fits_within(rate, MAX_MEAN_ERROR);
    let fitting = up_to_screen.clone().find(fits);
    let screen_rate = up_to_screen.next_back().unwrap_or(DEFAULT_RATE);
    let Some(lowest) = fitting else {
        if lost(screen_rate) <= MAX_LOST_AT_SCREEN_RATE {
            return screen_rate;
        }
        let mut above = rates.iter().copied().filter(|rate| rate.per_second() > SCREEN_RATE);
        return above.clone().find(fits).or(above.next_back()).unwrap_or(screen_rate);
    };
    // Of rates that hardly differ, such as 30000/1001 and 30, the one on whose grid the frames lie.
    let alike = rates.iter().copied().filter(|rate| (rate.per_second() / lowest.per_second() - 1.0).abs() < 2e-3);
    alike.min_by(|a, b| mean_error(starts, *a).total_cmp(&mean_error(starts, *b))).unwrap_or(lowest)
}

/// Number of output frame in which a frame that starts `secs` after the first one is shown.
fn position(secs: f64, rate: FrameRate) -> f64 {
    (secs * rate.per_second()).round()
}

/// Number of frames that are never shown at `rate`, because the next frame takes their place.
pub(crate) fn lost_frames(starts: &[f64], rate: FrameRate) -> usize {
    let first = starts.first().copied().unwrap_or(0.0);
    let is_lost = |pair: &&[f64]| position(pair[0] - first, rate) >= position(pair[1] - first, rate);
    starts.windows(2).filter(is_lost).count()
}

/// Mean distance in seconds between the frames and their positions at `rate`.
fn mean_error(starts: &[f64], rate: FrameRate) -> f64 {
    let first = starts.first().copied().unwrap_or(0.0);
    let error = |start: &f64| (start - first - position(start - first, rate) / rate.per_second()).abs();
    starts.iter().map(error).sum::<f64>() / starts.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts after these distances in milliseconds.
    fn starts(gaps_ms: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut starts = vec![0.0];
        starts.extend(gaps_ms.into_iter().scan(0.0, |sum, gap| {
            *sum += gap / 1000.0;
            Some(*sum)
        }));
        starts
    }

    fn repeated(gaps_ms: &[f64], times: usize) -> Vec<f64> {
        starts(gaps_ms.iter().copied().cycle().take(gaps_ms.len() * times))
    }

    fn rate_of(starts: &[f64], header: &str) -> String {
        let header: Vec<FrameRate> = header.parse().into_iter().collect();
        constant_rate(starts, &header).unwrap_or_else(|| rate_for_uneven(starts, &header)).readable()
    }

    #[test]
    fn uneven_frames_get_the_lowest_rate_that_shows_each_of_them_on_time() {
        let two_rates = starts(std::iter::repeat_n(1000.0 / 30.0, 100).chain(std::iter::repeat_n(1000.0 / 60.0, 120)));
        assert_eq!(rate_of(&two_rates, "30/1"), "60", "the rate of the start is not that of the clip");
        assert_eq!(rate_of(&repeated(&[70.0, 100.0], 20), "100/7"), "23.976", "a GIF does not stutter");
        assert_eq!(rate_of(&repeated(&[33.0, 21.0, 45.0, 30.0], 20), "1000/1"), "50");
        assert_eq!(rate_of(&repeated(&[100.0, 3.0], 20), "1000/1"), "240", "half of the frames are close together");
        assert_eq!(
            rate_of(&repeated(&[100.0, 33.0, 40.0, 90.0, 33.0, 50.0, 60.0, 70.0, 80.0, 3.0, 99.0], 9), ""),
            "60"
        );
        assert_eq!(rate_of(&repeated(&[8.333, 8.333, 16.667], 40), "240/1"), "120");
        let jitter: Vec<f64> = (0..25).map(|index| f64::from(index * 40 + index * 7 % 19) / 1000.0).collect();
        assert_eq!(rate_of(&jitter, "3125/127"), "25", "jitter bends the average of a short clip");
    }

    #[test]
    fn the_times_of_a_few_frames_tell_which_usual_rate_they_have() {
        for (gaps, rate) in [(&[40.0][..], "25"), (&[33.0], "30"), (&[100.0], "10"), (&[40.0, 40.0], "25")] {
            assert_eq!(rate_of(&starts(gaps.iter().copied()), ""), rate, "{gaps:?}");
        }
    }

    #[test]
    fn empty_places_on_the_grid_of_a_rate_keep_that_rate() {
        let dropped = |rate: f64| repeated(&[1000.0 / rate, 1000.0 / rate, 3000.0 / rate, 2000.0 / rate], 300);
        assert_eq!(rate_of(&dropped(24.0), "24/1"), "24");
        assert_eq!(rate_of(&dropped(30.0), "1000/1"), "30", "and not the lower 30000/1001");
        assert_eq!(rate_of(&dropped(30_000.0 / 1001.0), "1000/1"), "29.97");
    }

    #[test]
    fn a_single_frame_has_the_rate_of_the_header_but_not_that_of_its_clock() {
        assert_eq!(rate_of(&[0.0], "60/1"), "60");
        assert_eq!(rate_of(&[0.0], "90000/1"), "25");
        assert_eq!(rate_of(&[0.0], ""), "25");
    }
}
