//! Segments of one clip that are cut at the same time on one machine. The encoders of video use few
//! threads well, so on a machine with many cores several of them work side by side.

use std::{
    fs,
    num::NonZeroUsize,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use clearcut_ffmpeg::{EncodePlan, MediaInfo};
use clearcut_frame::Size;
use clearcut_job::{CutRequest, CutStep, OutputFormat};
use crossbeam_channel::{RecvTimeoutError, bounded};

use super::{
    join::join_pieces,
    piece::{Piece, cut_piece},
    plan::{can_be_split, plan_ranges, ranges},
};
use crate::{CutJob, CutReport, Error, Resources, Stop, plan::Plan, threads::spawn};

/// Least number of frames of a segment: its run-in then costs a tenth of its decoding and matting.
const MIN_FRAMES: u64 = 2 * EncodePlan::KEYFRAME_INTERVAL;

/// Interval of progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// The number of segments of a clip that are cut side by side: as many as `resources` asks for, else
/// what the threads suffice for, but no more than the length of the clip and the memory allow.
pub(crate) fn segments_at_once(
    resources: &Resources,
    request: &CutRequest,
    info: &MediaInfo,
    plan: &Plan,
) -> NonZeroUsize {
    if !can_be_split(request) {
        return NonZeroUsize::MIN;
    }
    let has_webm = request.formats.iter().any(|format| format == OutputFormat::Webm);
    let wanted = resources.segments.map_or_else(
        || segments_for(resources.threads.get(), plan.size(), has_webm, plan.expected_frames),
        |asked| asked.get().min((plan.expected_frames / EncodePlan::KEYFRAME_INTERVAL) as usize),
    );
    let affordable = |count: &NonZeroUsize| {
        let shared = resources.shared_by(*count);
        Plan::new(info, request, &shared).memory_bytes() <= shared.max_bytes
    };
    (2..=wanted).rev().filter_map(NonZeroUsize::new).find(affordable).unwrap_or(NonZeroUsize::MIN)
}

/// The number of segments for `threads` threads and a clip of `frames` frames of `size`.
///
/// One cut of 1080p to WebM uses about four threads: libvpx divides a frame of this size among two,
/// color and matte are encoded side by side, and the rest of the work takes a third of the time.
/// Larger frames have more columns for threads. The other encoders use all threads they get, and what
/// is left, done frame by frame on one thread, is about an eighth of the work.
fn segments_for(threads: usize, size: Size, has_webm: bool, frames: u64) -> usize {
    const PIXELS_OF_1080P: u64 = 1920 * 1088;
    let used_by_one = if has_webm && size.pixels() <= PIXELS_OF_1080P { 4 } else { 8 };
    (threads / used_by_one).min((frames / MIN_FRAMES) as usize).max(1)
}

/// Cuts a probed clip in `count` segments side by side and joins them. `None` if it is to be cut
/// whole: its background is not flat, or frames of a segment could not be decoded.
///
/// # Errors
/// Those of [`crate::cut`].
pub(crate) fn cut_side_by_side(
    (job, info, whole): (&CutJob, &MediaInfo, &Plan),
    count: NonZeroUsize,
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<Option<CutReport>, Error> {
    let resources = job.resources.shared_by(count);
    let shared = &Plan::new(info, job.request, &resources);
    let Some(plan) = plan_ranges((job, info, whole), ranges(whole.expected_frames, count.get() as u64), stop)? else {
        return Ok(None);
    };
    let folders: Vec<PathBuf> =
        (0..plan.segments().len()).map(|index| job.scratch.join(format!("segment-{index}"))).collect();
    for folder in &folders {
        fs::create_dir(folder).map_err(|source| Error::from_write("making the folder of a segment", source))?;
    }
    let segments_stop = &stop.for_cut();
    let taken: Vec<AtomicU64> = folders.iter().map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        let (running, done) = bounded::<()>(0);
        for (index, (folder, taken)) in folders.iter().zip(&taken).enumerate() {
            let (plan, running) = (&plan, running.clone());
            let cut = move || {
                let job = &CutJob { scratch: folder, resources, ..*job };
                let piece = Piece { job, info, whole: shared, plan, index };
                let frames = plan.segments()[index].end - plan.segments()[index].start;
                cut_piece(&piece, segments_stop, &mut |step| match step {
                    CutStep::Cutting { done, .. } => taken.store(done, Ordering::Relaxed),
                    CutStep::Checking => taken.store(frames, Ordering::Relaxed),
                    CutStep::Surveying | CutStep::Waiting => {}
                })
            };
            segments_stop.on_error(spawn(scope, move || {
                segments_stop.on_error(cut());
                drop(running); // Tells that this segment has ended.
            }));
        }
        drop(running);
        let total = whole.expected_frames;
        while done.recv_timeout(PROGRESS_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            let done = taken.iter().map(|taken| taken.load(Ordering::Relaxed)).sum();
            progress(CutStep::Cutting { done, total });
        }
    });
    let cut = segments_stop.check();
    stop.check()?;
    let report = match cut {
        Ok(()) => {
            progress(CutStep::Checking);
            let whole = Plan::new(info, job.request, &job.resources);
            Some(join_pieces(job, (info.clone(), whole), &plan, &folders, stop)?)
        }
        Err(Error::SegmentIncomplete { .. } | Error::EndedEarly { .. }) => None,
        Err(error) => return Err(error),
    };
    for folder in &folders {
        let _ = fs::remove_dir_all(folder); // What remains is removed with the scratch folder.
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_segments_follows_from_cores_size_and_length() {
        let size = |width, height| Size::new(width, height).unwrap();
        let webm = |threads| segments_for(threads, size(1920, 1080), true, 100_000);
        assert_eq!([1, 2, 4, 7, 8, 16, 32].map(webm), [1, 1, 1, 1, 2, 4, 8]);
        let large = |threads| segments_for(threads, size(3840, 2160), true, 100_000);
        assert_eq!([8, 16, 32].map(large), [1, 2, 4]);
        let others = |threads| segments_for(threads, size(1920, 1080), false, 100_000);
        assert_eq!([8, 16, 32].map(others), [1, 2, 4]);
        let short = |frames| segments_for(32, size(1280, 720), true, frames);
        assert_eq!([0, 66, 959, 960, 1440, 10_000].map(short), [1, 1, 1, 2, 3, 8]);
    }
}
