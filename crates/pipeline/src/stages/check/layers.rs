//! Reader for both layers of HEVC with alpha.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, Tools, read_frame};

use super::{Comparison, picture::PictureComparison};
use crate::{Error, Stop, matte_log::MatteSummary, picture_log::PictureSummary, progress::Counters};

/// Reads the mattes, and for `colors` the pictures under them, of the frames of a file.
pub(super) fn read_layers(
    (tools, stop): (&Tools, &Stop),
    plan: &EncodePlan,
    scratch: &Path,
    counters: &Counters,
    (mattes, mut colors): (&mut Comparison, Option<&mut PictureComparison>),
) -> Result<(), Error> {
    let mut child = stop.register(tools.decode_matte(plan, scratch, None)?);
    let (raw, size) = (plan.raw_size(), plan.size);
    let (width, height, stride) = (size.width() as usize, size.height() as usize, raw.width() as usize);
    let pixels = raw.pixels() as usize;
    // Y, Cb and Cr of a quarter each, and alpha.
    let (mut frame, mut alpha) = (vec![0; pixels * 5 / 2], Vec::new());
    if let Some(mut pipe) = child.take_stdout() {
        while let Ok(true) = read_frame(&mut pipe, &mut frame) {
            let (y, rest) = frame.split_at(pixels);
            let (cb, rest) = rest.split_at(pixels / 4);
            let (cr, padded) = rest.split_at(pixels / 4);
            if let Some(colors) = &mut colors {
                colors.show(&PictureSummary::new([y, cb, cr], (width, height), stride));
            }
            alpha.clear();
            // Without the padding.
            padded.chunks_exact(stride).take(height).for_each(|row| alpha.extend(&row[..width]));
            mattes.show(MatteSummary::from_alpha(alpha.iter().copied()), mattes.shown() + 1);
            counters.count_checked();
        }
    }
    child.wait()?;
    Ok(())
}
