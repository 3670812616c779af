//! The search for the best settings with which an output keeps its limit of bytes: the settings that
//! are tried, what each costs in looks, and a prediction of their bytes that learns from each encode.

use clearcut_ffmpeg::{Error as ToolError, LayerCrf, MediaError};
use clearcut_frame::{FrameFormat, FrameRate, Size};
use clearcut_job::{CutRequest, LoopChoice, MaxBytes, OutputFormat, Preset, Quality};

use crate::{Error, plan::Plan};

/// Number of encodes of an output, at most.
pub(crate) const MAX_ENCODES: usize = 3;

/// The limit of an output, and what may be changed to keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) max_bytes: MaxBytes,
    /// Whether the output may get another size.
    may_shrink: bool,
    /// Whether the quality may exceed that of the request, to make use of the limit.
    may_improve: bool,
    /// Fewest frames.
    fewest_frames: u64,
    /// Whether the length must stay exactly as it is, because it is whole seconds.
    keeps_length: bool,
}

impl Limit {
    /// The limit of the outputs of `request`; `None` if they have none.
    pub(crate) fn of(request: &CutRequest) -> Option<Self> {
        let limits = request.preset.map(Preset::limits);
        let frames = limits.and_then(|limits| limits.frames);
        Some(Self {
            max_bytes: request.max_bytes?,
            may_shrink: request.size.is_none() && request.bounds.is_none(),
            may_improve: request.preset.is_some(),
            fewest_frames: frames.map_or(1, |(fewest, _)| fewest),
            keeps_length: limits.is_some_and(|limits| limits.is_in_whole_secs),
        })
    }
}

/// Most bytes of frames that are kept on the disk for the outputs of a cut.
const MAX_KEPT_BYTES: u64 = 8 << 30;

/// Refuses a cut to limited outputs, or to a boomerang, whose frames are too many to be kept.
///
/// # Errors
/// [`MediaError::OverLimit`].
pub(crate) fn check_kept_frames(request: &CutRequest, plan: &Plan) -> Result<(), Error> {
    let format = FrameFormat { size: plan.size(), ..plan.frame.with_alpha() };
    let outputs = if request.max_bytes.is_some() { plan.encodes.len() as u64 } else { 0 };
    let goes_back = plan.looped == Some(LoopChoice::Boomerang);
    let frames = outputs.saturating_mul(plan.encoded_frames()) + if goes_back { plan.expected_frames } else { 0 };
    let bytes = frames.saturating_mul(format.byte_len() as u64);
    if bytes <= MAX_KEPT_BYTES {
        return Ok(());
    }
    let gigabytes = |bytes: u64| format!("{} GiB", bytes.div_ceil(1 << 30));
    let what = if goes_back { "a boomerang" } else { "outputs with a limit of bytes" };
    let found = format!("frames for {what} that take {} on the disk", gigabytes(bytes));
    Err(ToolError::Media(MediaError::OverLimit { found, limit: gigabytes(MAX_KEPT_BYTES) }).into())
}

/// Settings of an encode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    /// CRF of a WebM's color, else the quality of the format.
    level: u8,
    /// Frames that are kept of so many: a fraction.
    pub(crate) kept: (u32, u32),
    /// Sides in percent.
    percent: u32,
}

/// Settings of the frames that are to be encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    pub(crate) format: OutputFormat,
    pub(crate) frame_rate: FrameRate,
    pub(crate) frames: u64,
    /// Sum over the frames of the pixels that are visible, but for frames that repeat the one before.
    pub(crate) visible_pixels: u64,
    /// Quality of the request, and its CRF.
    pub(crate) quality: Quality,
    pub(crate) crf: LayerCrf,
}

/// Parts of the frames that may be kept. Those with unequal distances between the frames that are kept
/// look less even.
const KEPT: [(u32, u32); 6] = [(1, 1), (3, 4), (2, 3), (1, 2), (1, 3), (1, 4)];
/// Sides that are tried, in percent.
const PERCENTS: [u32; 5] = [100, 80, 64, 50, 40];
/// Lowest rate in frames per second, unless the outputs have less.
const LEAST_RATE: f64 = 5.0;
/// Share of the limit that an encode aims at; the last one, if none before fits, at less.
const AIM: f64 = 0.95;
const LAST_AIM: f64 = 0.88;
/// Share of the limit from which on nothing better is looked for.
const GOOD_USE: f64 = 0.88;

impl Settings {
    /// The factors of a WebM of these settings: the matte has a little less quality than the color, and
    /// enough that solid stays solid.
    pub(crate) fn crf(self) -> LayerCrf {
        LayerCrf { color: self.level, alpha: (self.level + 4).min(50) }
    }

    /// The quality of other formats.
    pub(crate) fn quality(self) -> Quality {
        Quality::try_from(u16::from(self.level)).unwrap_or_default()
    }

    /// The rate of the output.
    pub(crate) fn frame_rate(self, rate: FrameRate) -> FrameRate {
        let (kept, of) = self.kept;
        let frames = rate.frames().checked_mul(kept).zip(rate.seconds().checked_mul(of));
        frames.and_then(|(frames, seconds)| FrameRate::new(frames, seconds)).unwrap_or(rate)
    }

    /// The size of the output.
    pub(crate) fn size(self, size: Size) -> Size {
        let side = |side: u32| ((side * self.percent + 50) / 100).max(1);
        if self.percent == 100 { size } else { Size::new(side(size.width()), side(size.height())).unwrap_or(size) }
    }

    /// Number of frames of the output.
    pub(crate) fn frames(self, frames: u64) -> u64 {
        (frames * u64::from(self.kept.0) / u64::from(self.kept.1)).max(1)
    }

    /// What the settings cost in looks; 0 for the best.
    fn cost(self, source: &Source, best: u8) -> f64 {
        let worst = if source.format == OutputFormat::Webm { 56.0 } else { 0.0 };
        let lost = (f64::from(self.level) - f64::from(best)) / (worst - f64::from(best) + 1e-6);
        let rate = self.frame_rate(source.frame_rate).per_second();
        let slower = source.frame_rate.per_second() / rate;
        // Half of 60 frames per second costs less than half of 12.
        let of_rate = if slower > 1.0 { 0.25 * (slower - 1.0) + 3.0 / rate } else { 0.0 };
        let is_uneven = self.kept.0 > 1;
        1.3 * lost * lost + of_rate + if is_uneven { 0.1 } else { 0.0 } + 1.6 * (100.0 / f64::from(self.percent)).ln()
    }

    /// Predicted logarithms (base 2) of the bytes, up to a constant of the clip: the parts of the quality,
    /// and of rate and size.
    fn log_bytes(self, format: OutputFormat) -> (f64, f64) {
        let kept = f64::from(self.kept.0) / f64::from(self.kept.1);
        let side = f64::from(self.percent) / 100.0;
        let (of_rate, of_side) = match format {
            OutputFormat::Webm => (0.75, 1.3),
            OutputFormat::Webp => (1.0, 1.4),
            _ => (0.95, 1.5),
        };
        (log_bytes_of_level(format, self.level), of_rate * kept.log2() + of_side * side.log2())
    }
}

/// Logarithm (base 2) of the bytes at each tenth or fifth of the quality, by the format; measured on
/// the samples, relative to the default quality.
fn log_bytes_of_level(format: OutputFormat, level: u8) -> f64 {
    let table: &[f64] = match format {
        OutputFormat::Webm => return 0.11 * (34.0 - f64::from(level)),
        OutputFormat::Webp => &[-1.1, -0.46, -0.18, 0.0, 0.36, 1.5],
        OutputFormat::Apng => &[-0.4, -0.3, -0.17, 0.0, 0.22, 0.65],
        _ => &[-0.58, -0.43, -0.2, 0.0, 0.28, 0.32],
    };
    let at = f64::from(level.min(100)) / 20.0;
    let (below, share) = ((at as usize).min(4), at - at.floor().min(4.0));
    table[below] + share * (table[below + 1] - table[below])
}

/// Bytes of each visible pixel at the default quality; measured on the samples.
fn bytes_per_pixel(format: OutputFormat) -> f64 {
    match format {
        OutputFormat::Webm => 0.05,
        OutputFormat::Webp => 0.11,
        OutputFormat::Apng => 0.85,
        _ => 0.35,
    }
}

/// A running search.
#[derive(Debug)]
pub(crate) struct Search {
    source: Source,
    limit: Limit,
    /// Every setting, with its cost.
    candidates: Vec<(Settings, f64)>,
    tried: Vec<(Settings, u64)>,
    /// The cheapest settings that keep the limit.
    best: Option<(Settings, f64)>,
}

impl Search {
    pub(crate) fn new(source: Source, limit: Limit) -> Self {
        let levels = levels(&source, limit);
        let best = levels[0];
        let percents = if limit.may_shrink { &PERCENTS[..] } else { &PERCENTS[..1] };
        let mut candidates = Vec::new();
        for (&level, &kept) in levels.iter().flat_map(|level| KEPT.iter().map(move |kept| (level, kept))) {
            candidates.extend(percents.iter().map(|&percent| Settings { level, kept, percent }));
        }
        let is_allowed = |settings: &Settings| {
            let rate = settings.frame_rate(source.frame_rate).per_second();
            let has_frames = settings.frames(source.frames) >= limit.fewest_frames;
            let (kept, of) = settings.kept;
            let is_exact = (source.frames * u64::from(kept)).is_multiple_of(u64::from(of));
            settings.kept == (1, 1) || (rate >= LEAST_RATE && has_frames && (is_exact || !limit.keeps_length))
        };
        candidates.retain(is_allowed);
        let candidates = candidates.into_iter().map(|settings| (settings, settings.cost(&source, best))).collect();
        Self { source, limit, candidates, tried: Vec::new(), best: None }
    }

    /// The settings of the next encode; `None` if the search has ended.
    pub(crate) fn next(&self) -> Option<Settings> {
        let encodes = self.tried.len();
        let max_bytes = self.limit.max_bytes.get() as f64;
        let is_used = self.tried.iter().any(|(settings, bytes)| {
            let is_best = self.best.is_some_and(|(best, _)| best == *settings);
            is_best && *bytes as f64 > GOOD_USE * max_bytes
        });
        if encodes == MAX_ENCODES || is_used {
            return None;
        }
        let is_last_chance = encodes + 1 == MAX_ENCODES && self.best.is_none();
        let aim = (max_bytes * if is_last_chance { LAST_AIM } else { AIM }).log2();
        let predicted = |settings: Settings| self.predicted(settings);
        let is_new = |settings: &Settings| self.tried.iter().all(|(tried, _)| tried != settings);
        let fitting = self.candidates.iter().filter(|(settings, _)| predicted(*settings) <= aim);
        let chosen = fitting.min_by(|a, b| a.1.total_cmp(&b.1)).copied();
        if let Some((_, best)) = self.best {
            return chosen.filter(|(settings, cost)| *cost < best && is_new(settings)).map(|(settings, _)| settings);
        }
        let chosen = chosen.map(|(settings, _)| settings).filter(is_new);
        // None is predicted to fit, or the prediction was wrong: then the smallest one.
        let all = self.candidates.iter().map(|(settings, _)| *settings);
        let smallest = || all.min_by(|a, b| predicted(*a).total_cmp(&predicted(*b))).filter(is_new);
        chosen.or_else(smallest)
    }

    /// Learns the bytes of an encode. Returns whether it is the best that keeps the limit.
    pub(crate) fn learn(&mut self, settings: Settings, bytes: u64) -> bool {
        self.tried.push((settings, bytes));
        let cost = self.candidates.iter().find(|(known, _)| *known == settings).map_or(f64::MAX, |(_, cost)| *cost);
        let is_best = bytes <= self.limit.max_bytes.get() && self.best.is_none_or(|(_, best)| cost < best);
        if is_best {
            self.best = Some((settings, cost));
        }
        is_best
    }

    /// Bytes of the smallest encode.
    pub(crate) fn closest(&self) -> u64 {
        self.tried.iter().map(|(_, bytes)| *bytes).min().unwrap_or(0)
    }

    /// Predicted logarithm (base 2) of the bytes: by the pixels before the first encode, then from the
    /// last one. What the quality changes is learned from the encodes before; it depends on the clip.
    fn predicted(&self, settings: Settings) -> f64 {
        let log_of = |settings: Settings| settings.log_bytes(self.source.format);
        let (level, rest) = log_of(settings);
        let known: Vec<((f64, f64), f64)> =
            self.tried.iter().map(|(settings, bytes)| (log_of(*settings), (*bytes as f64).log2())).collect();
        let Some(&((last_level, last_rest), last)) = known.last() else {
            let pixels = self.source.visible_pixels.max(1) as f64;
            return (pixels * bytes_per_pixel(self.source.format)).log2() + level + rest;
        };
        // The slope between the first encode and the one that is most alike.
        let other = known.iter().take(known.len() - 1).find(|((level, _), _)| (level - last_level).abs() > 0.05);
        let slope = other.map_or(1.0, |((level, rest), bytes)| {
            (((last - bytes) - (last_rest - rest)) / (last_level - level)).clamp(0.4, 1.6)
        });
        last + slope * (level - last_level) + rest - last_rest
    }
}

/// The levels of quality that are tried, the best one first.
fn levels(source: &Source, limit: Limit) -> Vec<u8> {
    let (highest, step) = match source.format {
        OutputFormat::Webm => {
            let best = if limit.may_improve { 18 } else { source.crf.color };
            return (best..=56).collect();
        }
        OutputFormat::Webp => (92, 4),
        OutputFormat::Apng => (80, 20),
        _ => (100, 5),
    };
    let best = if limit.may_improve { highest } else { source.quality.get() };
    (0..=best).rev().step_by(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(format: OutputFormat, kilobytes: u32, request: CutRequest) -> Search {
        let request = CutRequest { max_bytes: Some((1000 * kilobytes).try_into().unwrap()), ..request };
        let source = Source {
            format,
            frame_rate: FrameRate::new(30, 1).unwrap(),
            frames: 90,
            visible_pixels: 90 * 60_000,
            quality: request.quality,
            crf: LayerCrf { color: 34, alpha: 43 },
        };
        Search::new(source, Limit::of(&request).unwrap())
    }

    /// Runs a search on an encoder whose bytes differ from the prediction by a factor, and whose quality
    /// changes them by more or less than predicted. Returns the encodes, and the best one.
    fn run(search: &mut Search, factor: f64, slope: f64) -> (Vec<(Settings, u64)>, Option<u64>) {
        let mut best = None;
        while let Some(settings) = search.next() {
            let format = search.source.format;
            let (level, rest) = settings.log_bytes(format);
            let pixels = search.source.visible_pixels as f64 * bytes_per_pixel(format);
            let bytes = (factor * pixels * (slope * level + rest).exp2()) as u64;
            if search.learn(settings, bytes) {
                best = Some(bytes);
            }
        }
        (search.tried.clone(), best)
    }

    #[test]
    fn limits_are_kept_and_used_whatever_the_clip_is_like() {
        use OutputFormat::{Apng, Gif, Webm, Webp};
        for (format, kilobytes) in [(Webm, 256), (Webp, 500), (Gif, 1000), (Apng, 2000)] {
            for factor in [0.5, 0.8, 1.0, 1.3, 2.0] {
                for slope in [0.6, 1.0, 1.5] {
                    let request = CutRequest::new(format).with_preset(Preset::WebHero, None).unwrap();
                    let mut search = search(format, kilobytes, request);
                    let (tried, best) = run(&mut search, factor, slope);
                    let limit = 1000 * u64::from(kilobytes);
                    let case = format!("{format} {factor} {slope}: {tried:?}");
                    assert!(tried.len() <= MAX_ENCODES, "{case}");
                    let is_best_there_is = tried
                        .iter()
                        .any(|(settings, _)| settings.cost(&search.source, search.candidates[0].0.level) == 0.0);
                    let best = best.unwrap_or_else(|| panic!("{case}"));
                    assert!(best <= limit && (best > limit * 3 / 4 || is_best_there_is), "{case}");
                }
            }
        }
    }

    #[test]
    fn settings_of_the_request_are_kept_if_they_fit() {
        let mut search = search(OutputFormat::Gif, 100_000, CutRequest::new(OutputFormat::Gif));
        let (tried, best) = run(&mut search, 1.0, 1.0);
        assert_eq!((tried.len(), tried[0].0), (1, Settings { level: 60, kept: (1, 1), percent: 100 }));
        assert!(best.is_some());
    }

    #[test]
    fn a_limit_that_nothing_keeps_is_told_with_the_smallest_file() {
        let size = Some("512".parse().unwrap());
        let request = CutRequest { size, ..CutRequest::new(OutputFormat::Apng) };
        let mut search = search(OutputFormat::Apng, 20, request);
        let (tried, best) = run(&mut search, 1.0, 1.0);
        assert_eq!(best, None);
        assert_eq!(Some(search.closest()), tried.iter().map(|(_, bytes)| *bytes).min());
        assert!(tried.iter().all(|(settings, _)| settings.percent == 100), "{tried:?}");
        assert!(tried.iter().any(|(settings, _)| (settings.level, settings.kept) == (0, (1, 4))), "{tried:?}");
    }
}
