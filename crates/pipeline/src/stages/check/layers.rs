//! Reader for both layers of HEVC with alpha.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, Tools, read_frame};

use super::Comparison;
use crate::{Error, Stop, matte_log::MatteSummary, progress::Counters};

/// Reads the mattes, and for `colors` the luma, of the frames of a file.
pub(super) fn read_layers(
    (tools, stop): (&Tools, &Stop),
    plan: &EncodePlan,
    scratch: &Path,
    counters: &Counters,
    (mattes, mut colors): (&mut Comparison, Option<&mut Comparison>),
) -> Result<(), Error> {
    let mut child = stop.register(tools.decode_matte(plan, scratch, None)?);
    let pixels = plan.raw_size().pixels() as usize;
    // Y, Cb and Cr of a quarter each, and alpha.
    let (mut frame, mut plane) = (vec![0; pixels * 5 / 2], Vec::new());
    if let Some(mut pipe) = child.take_stdout() {
        while let Ok(true) = read_frame(&mut pipe, &mut frame) {
            let mut summary = |padded: &[u8]| {
                crop(padded, plan, &mut plane);
                MatteSummary::from_alpha(plane.iter().copied())
            };
            if let Some(colors) = &mut colors {
                colors.show(summary(&frame[..pixels]), colors.shown() + 1);
            }
            mattes.show(summary(&frame[pixels * 3 / 2..]), mattes.shown() + 1);
            counters.count_checked();
        }
    }
    child.wait()?;
    Ok(())
}

/// Leaves out the padding of a plane. `cropped` is overwritten.
fn crop(padded: &[u8], plan: &EncodePlan, cropped: &mut Vec<u8>) {
    cropped.clear();
    let rows = padded.chunks_exact(plan.raw_size().width() as usize).take(plan.size.height() as usize);
    rows.for_each(|row| cropped.extend(&row[..plan.size.width() as usize]));
}
