//! The rate of a preset, which follows from the clip, and the lengths that it takes.

use std::borrow::Cow;

use clearcut_ffmpeg::MediaInfo;
use clearcut_job::{CutRequest, FpsChoice, LoopChoice, Trim};

use crate::{Error, part::Part};

/// `request` with the rate of its preset, if it has one.
///
/// # Errors
/// [`Error::UnfitLength`].
pub(crate) fn with_preset_rate<'a>(request: &'a CutRequest, info: &MediaInfo) -> Result<Cow<'a, CutRequest>, Error> {
    let Some(preset) = request.preset else { return Ok(Cow::Borrowed(request)) };
    let source = Part::of(&CutRequest { fps: FpsChoice::Source, ..request.clone() }, info);
    // How much longer the outputs play than the part of the clip.
    let longer = LoopChoice::frames(request.looped, source.count()) as f64
        / source.count().max(1) as f64
        / request.tempo.factor();
    let asked = source.span.length.as_secs_f64() * longer;
    let rate = preset.rate(request.tempo.shown(info.frame_rate).per_second(), asked);
    let request = CutRequest { fps: FpsChoice::Fixed(rate), ..request.clone() };
    let frames = LoopChoice::frames(request.looped, Part::of(&request, info).count());
    match preset.length_fault(frames, rate) {
        None => Ok(Cow::Owned(request)),
        Some((fault, fits)) => {
            let secs = frames as f64 / f64::from(rate);
            Err(Error::UnfitLength { preset, fault, secs, remedy: remedy(request.trim, fits / longer) })
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
