//! The rate of a preset, which follows from the clip, and the lengths that it takes.

use std::borrow::Cow;

use clearcut_ffmpeg::MediaInfo;
use clearcut_job::{CutRequest, FpsChoice, Trim};

use crate::{Error, part::Part};

/// `request` with the rate of its preset, if it has one.
///
/// # Errors
/// [`Error::UnfitLength`].
pub(crate) fn with_preset_rate<'a>(request: &'a CutRequest, info: &MediaInfo) -> Result<Cow<'a, CutRequest>, Error> {
    let Some(preset) = request.preset else { return Ok(Cow::Borrowed(request)) };
    let asked = Part::of(request.trim, info, FpsChoice::Source).span.length.as_secs_f64();
    let rate = preset.rate(info.frame_rate.per_second(), asked);
    let fps = FpsChoice::Fixed(rate);
    let part = Part::of(request.trim, info, fps);
    match preset.length_fault(part.count(), rate) {
        None => Ok(Cow::Owned(CutRequest { fps, ..request.clone() })),
        Some((fault, fits)) => {
            let secs = part.span.length.as_secs_f64();
            Err(Error::UnfitLength { preset, fault, secs, remedy: remedy(request.trim, fits) })
        }
    }
}

/// What to do about a length, of which `fits` seconds fit.
fn remedy(trim: Option<Trim>, fits: f64) -> String {
    if fits < 1.0 {
        return "it needs at least 1 s".to_owned();
    }
    let start = trim.map_or(0.0, |trim| trim.start().as_secs_f64());
    format!("trim {start},{} fits", start + fits)
}
