//! The self-check of outputs: every output is decoded and compared with its matte before the cut
//! succeeds.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, Tools};
use clearcut_frame::Size;
use clearcut_job::{AlphaCheck, OutputFormat};

use super::mov::check_mov;
use crate::{Error, Stop, matte_log::MatteLog, picture_log::PictureLog, plan::leaves_frames_out, progress::Counters};

mod comparison;
mod contents;
mod joined;
mod layers;
mod picture;
mod read_back;
mod sequence;
mod sprites;

use comparison::Comparison;
pub(crate) use joined::{Joined, PieceCheck, check_piece};
use layers::read_layers;
use picture::{PictureComparison, check_pictures};
use read_back::{read_apng, read_gif, read_webp, read_with_ffmpeg};
use sequence::{read_poster, read_sequence};
use sprites::read_sprites;

/// Tolerance for the mean alpha of a frame after lossy encoding, in levels of 255. A lost or
/// shifted alpha plane changes the mean by the subject's whole share; the codecs at our settings
/// change it by less than one.
const MEAN_TOLERANCE: f64 = 4.0;
/// The same for frames of less than [`SMALL_FRAME_PIXELS`], where errors of single blocks do not
/// average out.
const SMALL_FRAME_MEAN_TOLERANCE: f64 = 16.0;
/// Number of pixels below which a frame counts as small: four macroblocks of 16×16.
const SMALL_FRAME_PIXELS: u64 = 1024;

fn mean_tolerance(size: Size) -> f64 {
    if size.pixels() < SMALL_FRAME_PIXELS { SMALL_FRAME_MEAN_TOLERANCE } else { MEAN_TOLERANCE }
}

/// What a file should hold.
#[derive(Clone, Copy)]
pub(crate) struct Logs<'a> {
    pub(crate) mattes: &'a MatteLog,
    /// Of the frames over a new background, in HEVC, and of a foreground.
    pub(crate) pictures: Option<&'a PictureLog>,
}

impl<'a> Logs<'a> {
    /// The logs of frames of which only the mattes are compared.
    pub(crate) const fn of(mattes: &'a MatteLog) -> Self {
        Self { mattes, pictures: None }
    }
}

/// Decodes the output and compares its frame count and matte with the frames passed to its encoder; of
/// a video over a new background and of HEVC, also its pictures; of a foreground only these. Returns what was compared. The headers
/// of a MOV are checked, too.
///
/// # Errors
/// [`Error::CheckFailed`] with the finding, or an error of reading the output.
pub(crate) fn check_output(
    (tools, stop): (&Tools, &Stop),
    plan: &EncodePlan,
    scratch: &Path,
    logs: Logs,
    counters: &Counters,
) -> Result<AlphaCheck, Error> {
    let failed = |finding| Error::CheckFailed { format: plan.format, finding };
    let pictures = logs.pictures.filter(|pictures| !pictures.0.is_empty());
    if let (OutputFormat::Mp4 | OutputFormat::Foreground, Some(pictures)) = (plan.format, pictures) {
        return check_pictures((tools, stop), plan, scratch, pictures, counters);
    }
    if plan.format == OutputFormat::Mov {
        check_mov(&scratch.join(plan.file_name()), plan)?;
    }
    let mut comparison = Comparison::new(logs.mattes, mean_tolerance(plan.size), leaves_frames_out(plan));
    match plan.format {
        OutputFormat::Webp => read_webp(plan, scratch, counters, &mut comparison)?,
        OutputFormat::Apng => read_apng(plan, scratch, counters, &mut comparison)?,
        OutputFormat::Gif => read_gif(plan, scratch, counters, &mut comparison)?,
        OutputFormat::PngSequence => read_sequence(plan, scratch, counters, &mut comparison)?,
        OutputFormat::SpriteSheet => read_sprites(plan, scratch, counters, &mut comparison)?,
        OutputFormat::Poster => read_poster(plan, scratch, counters, &mut comparison)?,
        OutputFormat::Webm | OutputFormat::StackedAlpha | OutputFormat::Mov | OutputFormat::Matte => {
            read_with_ffmpeg((tools, stop), plan, scratch, None, counters, &mut comparison)?;
            if let Some(pictures) = pictures {
                check_pictures((tools, stop), plan, scratch, pictures, counters)?;
            }
        }
        OutputFormat::Mp4 | OutputFormat::Foreground => {}
        OutputFormat::HevcAlpha => {
            let mut colors = pictures.map(|pictures| PictureComparison::new(pictures, plan.size));
            read_layers((tools, stop), plan, scratch, counters, (&mut comparison, colors.as_mut()))?;
            if let Some(colors) = colors {
                colors.finish().map_err(failed)?;
            }
        }
    }
    comparison.finish().map_err(failed)
}
