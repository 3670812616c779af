//! The probe of the clip of a cut, and the plan that follows from it.

use clearcut_ffmpeg::MediaInfo;
use clearcut_job::CutStep;

use crate::{CutJob, Error, Stop, limit::check_kept_frames, part::check_trim, plan::Plan, preset::with_preset_rate};

/// Probes the clip of `job` and plans its cut, checked against the limits of both.
///
/// # Errors
/// The clip is at fault or exceeds a limit, or ffmpeg lacks an encoder.
pub(crate) fn probe_clip(
    job: &CutJob,
    stop: &Stop,
    progress: &mut dyn FnMut(CutStep),
) -> Result<(MediaInfo, Plan), Error> {
    stop.check()?;
    let probe = job.tools.probe(job.input, &job.limits); // Runs while ffmpeg's capabilities are queried.
    for format in job.request.formats.iter() {
        job.tools.require(format)?;
    }
    progress(CutStep::Surveying);
    let info = stop.media_info(probe?, job.request)?;
    check_trim(job.request, &info)?;
    let request = with_preset_rate(job.request, &info)?;
    let plan = Plan::new(&info, &request, &job.resources);
    plan.check(&info, &job.limits, &job.resources)?;
    check_kept_frames(&request, &plan)?;
    Ok((info, plan))
}
