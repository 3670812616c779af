//! The plan of a clip that is cut in segments: its background, and the ranges of frames.

use std::{ops::Range, time::Duration};

use clearcut_ffmpeg::{Container, EncodePlan, MediaInfo, SeekPoint, first_bytes};
use clearcut_job::{CutRequest, CutStep, ErrorCode, MethodChoice, MethodReason, OutputFormat};
use clearcut_matte::Background;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    CutJob, Error, ModelFailure, ModelSource, OpenModel, Stop,
    method::{MatteSource, choose_method},
    part::Part,
    plan::Plan,
    probe::probe_clip,
    scan::{Scan, needs_scan, scan},
    stages::survey::survey,
};

/// The format of the plans of this version, and of the segments that are cut by them.
const VERSION: u32 = 3;

/// Which clips are cut in segments, and in how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentPolicy {
    /// Length from which on a clip is cut in segments. Default 60 s.
    pub min_clip: Duration,
    /// Length of a segment, about. Default 30 s.
    pub segment: Duration,
}

impl Default for SegmentPolicy {
    fn default() -> Self {
        Self { min_clip: Duration::from_mins(1), segment: Duration::from_secs(30) }
    }
}

/// The plan of a clip that is cut in segments. Any process of the same version cuts the same by it;
/// its stored form keeps every number exactly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SegmentPlan {
    #[serde(deserialize_with = "this_version")]
    version: u32,
    /// Width and height of the outputs, the number of their frames, and their rate: those of the
    /// clip that the plan is for.
    size: (u32, u32),
    frames: u64,
    frame_rate: (u32, u32),
    pub(super) reason: MethodReason,
    /// What a scan of the clip found, if its request needed one.
    pub(super) scan: Option<Scan>,
    segments: Vec<Range<u64>>,
    /// Where decoding for each segment may begin.
    seeks: Vec<Option<SeekPoint>>,
    pub(super) background: Background,
}

/// Reads the format of a plan, which must be that of this version.
fn this_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        VERSION => Ok(VERSION),
        found => Err(de::Error::custom(Error::PlanVersion { found, supported: VERSION })),
    }
}

impl SegmentPlan {
    /// The segments as ranges of output frames. They follow each other and cover the clip.
    #[must_use]
    pub fn segments(&self) -> &[Range<u64>] {
        &self.segments
    }

    /// Reads a plan from JSON.
    ///
    /// # Errors
    /// [`Error::PlanVersion`] if another version made it, [`Error::PlanMismatch`].
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let damaged = |error: serde_json::Error| Error::PlanMismatch { finding: error.to_string() };
        let Head { version } = serde_json::from_slice(json).map_err(damaged)?;
        if version != VERSION {
            return Err(Error::PlanVersion { found: version, supported: VERSION });
        }
        serde_json::from_slice(json).map_err(damaged)
    }

    /// The plan as JSON.
    ///
    /// # Errors
    /// [`Error::PlanMismatch`] if a number cannot be stored, such as a noise that is not finite.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::PlanMismatch { finding: error.to_string() })
    }

    pub(super) fn new(
        plan: &Plan,
        segments: Vec<Range<u64>>,
        seeks: Vec<Option<SeekPoint>>,
        (background, reason): (Background, MethodReason),
    ) -> Self {
        let (size, frame_rate) = Self::clip_of(plan);
        Self {
            version: VERSION,
            size,
            frames: plan.expected_frames,
            frame_rate,
            reason,
            scan: None,
            segments,
            seeks,
            background,
        }
    }

    /// The request of the cut by this plan: `request` with what the scan found.
    pub(super) fn request(&self, request: &CutRequest) -> CutRequest {
        self.scan.as_ref().map_or_else(|| request.clone(), |scan| scan.request(request))
    }

    fn clip_of(plan: &Plan) -> ((u32, u32), (u32, u32)) {
        let (size, rate) = (plan.size(), plan.frame_rate);
        ((size.width(), size.height()), (rate.frames(), rate.seconds()))
    }

    /// Refuses a plan that is not for the cut `plan`.
    pub(super) fn check(&self, plan: &Plan) -> Result<(), Error> {
        let refused = |finding: &str| Err(Error::PlanMismatch { finding: finding.to_owned() });
        if ((self.size, self.frame_rate), self.frames) != (Self::clip_of(plan), plan.expected_frames) {
            return refused("the clip has another size, rate or length");
        }
        let starts = self.segments.iter().map(|range| range.start);
        let ends = self.segments.iter().map(|range| range.end);
        let follow_each_other = starts.chain([self.frames]).eq([0].into_iter().chain(ends));
        let are_empty = self.segments.iter().any(Range::is_empty);
        if !follow_each_other || are_empty || self.seeks.len() != self.segments.len() {
            return refused("its segments do not cover the clip");
        }
        Ok(())
    }

    /// Range of the segment `index`, and where decoding for it may begin.
    pub(super) fn segment(&self, index: usize) -> Result<(Range<u64>, Option<SeekPoint>), Error> {
        let segment = self.segments.get(index).cloned().zip(self.seeks.get(index).copied());
        segment.ok_or_else(|| Error::PlanMismatch { finding: format!("it has no segment {index}") })
    }
}

/// Plans the cut of a clip in segments: measures the background and chooses the ranges. Blocks.
///
/// Returns `None` if the clip is to be cut whole. That is a short clip, an animated WebP or a ZIP,
/// and one with hints, which are tracked through the whole clip. So is one for a neural model: the
/// place of each of its keyframes depends on those before, up to the start of the shot.
///
/// # Errors
/// Those of [`crate::cut`] that are found before the first frame is cut.
pub fn plan_segments(
    job: &CutJob,
    policy: &SegmentPolicy,
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<Option<SegmentPlan>, Error> {
    let stop = &stop.for_cut();
    let is_packed = Container::sniff(&first_bytes(job.input)?).is_ok_and(Container::is_packed);
    if is_packed || !can_be_split(job.request) {
        return Ok(None);
    }
    let scan = match scan_from((job, policy.min_clip), stop, progress) {
        Err(Error::NoFlatBackground { could_use_model: true, .. }) => return Ok(None),
        Ok(None) if needs_scan(job.request) => return Ok(None), // A short clip.
        other => other?,
    };
    let scanned = scan.as_ref().map(|scan| scan.request(job.request));
    let job = &CutJob { request: scanned.as_ref().unwrap_or(job.request), ..*job };
    let (info, plan) = probe_clip(job, stop, progress)?;
    if plan.span.length < policy.min_clip {
        return Ok(None);
    }
    let frames_of_segment = plan.frame_rate.frames_in(policy.segment).max(1);
    let count = (plan.expected_frames + frames_of_segment / 2) / frames_of_segment;
    let planned = plan_ranges((job, &info, &plan), ranges(plan.expected_frames, count), stop)?;
    Ok(planned.map(|planned| SegmentPlan { scan, ..planned }))
}

/// Scans the clip of `job` if its request needs that and it is not shorter than `min_clip`, which is cut whole.
fn scan_from(
    (job, min_clip): (&CutJob, Duration),
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<Option<Scan>, Error> {
    if !needs_scan(job.request) {
        return Ok(None);
    }
    let info = stop.media_info(job.tools.probe(job.input, &job.limits)?, job.request)?;
    if Part::of(job.request, &info).span.length < min_clip {
        return Ok(None);
    }
    scan(&CutJob { models: &WouldUseModel, ..*job }, stop, progress)
}

/// Whether a request does not exclude segments by itself.
pub(super) fn can_be_split(request: &CutRequest) -> bool {
    request.hints.is_empty()
        && request.background.is_none()
        && request.max_bytes.is_none()
        && request.looped.is_none()
        && request.method != MethodChoice::Ai
        && request.formats.iter().all(OutputFormat::joins_segments)
}

/// Plans the cut in `segments`. `None` if there is only one, or if the background is not flat.
pub(super) fn plan_ranges(
    (job, info, plan): (&CutJob, &MediaInfo, &Plan),
    segments: Vec<Range<u64>>,
    stop: &Stop,
) -> Result<Option<SegmentPlan>, Error> {
    if segments.len() < 2 {
        return Ok(None);
    }
    // Reads while the background is measured.
    let listing = stop.register_listing(job.tools.seek_points(job.input, info, &job.limits)?);
    let survey = || survey(job, info, plan.frame, stop);
    let method = match choose_method(job.request, &WouldUseModel, survey, stop, &|| ()) {
        Err(Error::NoFlatBackground { could_use_model: true, .. }) => return Ok(None),
        other => other?,
    };
    let MatteSource::Color(background) = method.source else { return Ok(None) };
    let points = listing.finish();
    stop.check()?;
    let points = points?;
    let seek = |range: &Range<u64>| plan.seek_before(&points, info, range.start.saturating_sub(super::RUN_IN));
    let seeks = segments.iter().map(seek).collect();
    Ok(Some(SegmentPlan::new(plan, segments, seeks, (background, method.reason))))
}

/// A source that tells that a model would be used.
#[derive(Debug)]
struct WouldUseModel;

impl ModelSource for WouldUseModel {
    fn open(&self, _: &dyn Fn() -> bool) -> Result<OpenModel, ModelFailure> {
        let message = "a clip for a model is cut whole".to_owned();
        Err(ModelFailure { code: ErrorCode::ModelMissing, message, hint: None })
    }
}

/// `frames` frames in about `count` ranges of about the same length, which start at codec keyframes
/// of the outputs.
pub(super) fn ranges(frames: u64, count: u64) -> Vec<Range<u64>> {
    let interval = EncodePlan::KEYFRAME_INTERVAL;
    let start = |index: u64| {
        let exact = u128::from(frames) * u128::from(index) / u128::from(count.max(1));
        (exact as u64 + interval / 2) / interval * interval
    };
    let mut starts: Vec<u64> = (0..count).map(start).filter(|start| *start == 0 || *start < frames).collect();
    starts.dedup();
    let ends = starts.iter().copied().skip(1).chain([frames]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_start_at_keyframes_and_cover_the_clip() {
        assert_eq!(ranges(1000, 2), [0..480, 480..1000]);
        assert_eq!(ranges(4320, 3), [0..1440, 1440..2880, 2880..4320]);
        assert_eq!(ranges(250, 9), [0..240, 240..250]);
        for (frames, count) in [(10_801, 7), (648_000, 360), (481, 2), (700, 3), (239, 1), (1, 4)] {
            let ranges = ranges(frames, count);
            assert!(ranges.iter().all(|range| range.start % EncodePlan::KEYFRAME_INTERVAL == 0 && !range.is_empty()));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{ranges:?}");
            assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, frames));
        }
    }

    #[test]
    fn a_plan_of_another_version_is_refused() {
        let error = SegmentPlan::from_json(br#"{"version":4,"later":"fields"}"#).unwrap_err();
        assert!(matches!(error, Error::PlanVersion { found: 4, supported: VERSION }), "{error}");
        assert!(serde_json::from_str::<SegmentPlan>(r#"{"version":4}"#).unwrap_err().to_string().contains("format 4"));
        assert!(matches!(SegmentPlan::from_json(b"{"), Err(Error::PlanMismatch { .. })));
    }
}
