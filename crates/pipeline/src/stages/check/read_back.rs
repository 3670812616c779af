//! Readers for the mattes of finished outputs, based on independent decoders.

use std::{fs::File, io::BufReader, ops::Range, path::Path, time::Duration};

use clearcut_ffmpeg::{EncodePlan, Tools, read_frame};
use clearcut_job::OutputFormat;

use super::Comparison;
use crate::{Error, Stop, matte_log::MatteSummary, progress::Counters, stages::encode::full_range};

/// Reads the mattes of a file that ffmpeg encoded; with `range` those of some frames, of which the
/// first is a codec keyframe.
pub(crate) fn read_with_ffmpeg(
    (tools, stop): (&Tools, &Stop),
    plan: &EncodePlan,
    scratch: &Path,
    range: Option<&Range<u64>>,
    counters: &Counters,
    comparison: &mut Comparison,
) -> Result<(), Error> {
    let mut child = stop.register(tools.decode_matte(plan, scratch, range)?);
    let mut matte = vec![0; plan.size.pixels() as usize];
    if let Some(mut pipe) = child.take_stdout() {
        while let Ok(true) = read_frame(&mut pipe, &mut matte) {
            if plan.format == OutputFormat::StackedAlpha {
                for value in &mut matte {
                    *value = full_range(*value);
                }
            }
            comparison.show(MatteSummary::from_alpha(matte.iter().copied()), comparison.shown() + 1);
            counters.count_checked();
        }
    }
    child.wait()?;
    Ok(())
}

/// Expands the patches of an animation to clip frames: equal frames are one longer patch, which
/// counts once for each frame it is shown.
struct Timeline<'a, 'log> {
    plan: &'a EncodePlan,
    counters: &'a Counters,
    comparison: &'a mut Comparison<'log>,
}

impl Timeline<'_, '_> {
    fn show(&mut self, summary: MatteSummary, until: Duration) {
        self.comparison.show(summary, self.plan.frame_rate.frames_in(until));
        self.counters.count_checked();
    }
}

/// Reads the mattes of an animated WebP with libwebp, because ffmpeg reads animated WebP only from
/// version 8 on.
pub(crate) fn read_webp(
    plan: &EncodePlan,
    scratch: &Path,
    counters: &Counters,
    comparison: &mut Comparison,
) -> Result<(), Error> {
    let bytes = read_webp_file(plan, scratch)?;
    let mut timeline = Timeline { plan, counters, comparison };
    for frame in open_webp(plan, &bytes)? {
        let summary = MatteSummary::from_alpha(frame.data().chunks_exact(4).map(|pixel| pixel[3]));
        timeline.show(summary, Duration::from_millis(u64::try_from(frame.timestamp()).unwrap_or(0)));
    }
    Ok(())
}

/// Opens the output of `plan`, to check it.
pub(super) fn open_output(plan: &EncodePlan, scratch: &Path) -> Result<File, Error> {
    File::open(scratch.join(plan.file_name())).map_err(|source| Error::Io { doing: "checking an output", source })
}

/// The bytes of an animated WebP.
pub(crate) fn read_webp_file(plan: &EncodePlan, scratch: &Path) -> Result<Vec<u8>, Error> {
    let read = std::fs::read(scratch.join(plan.file_name()));
    read.map_err(|source| Error::Io { doing: "checking an output", source })
}

/// Opens an animated WebP: libwebp reads its structure.
pub(crate) fn open_webp<'a>(plan: &EncodePlan, bytes: &'a [u8]) -> Result<webp_animation::Decoder<'a>, Error> {
    let failed = |finding: String| Error::CheckFailed { format: plan.format, finding };
    let decoder = webp_animation::Decoder::new(bytes).map_err(|error| failed(format!("{error:?}")))?;
    if decoder.dimensions() != (plan.size.width(), plan.size.height()) {
        return Err(failed(format!("its size is {:?} pixels", decoder.dimensions())));
    }
    Ok(decoder)
}

/// Opens an animated PNG and reads its headers.
pub(crate) fn open_apng(plan: &EncodePlan, scratch: &Path) -> Result<png::Reader<BufReader<File>>, Error> {
    let failed = |finding: String| Error::CheckFailed { format: plan.format, finding };
    let file = open_output(plan, scratch)?;
    let reader = png::Decoder::new(BufReader::new(file)).read_info().map_err(|error| failed(error.to_string()))?;
    let info = reader.info();
    if (info.width, info.height) != (plan.size.width(), plan.size.height()) {
        return Err(failed(format!("its size is {}×{} pixels", info.width, info.height)));
    }
    Ok(reader)
}

/// Reads the mattes of a GIF with the `gif` crate, which decodes patches; they are composed here.
pub(crate) fn read_gif(
    plan: &EncodePlan,
    scratch: &Path,
    counters: &Counters,
    comparison: &mut Comparison,
) -> Result<(), Error> {
    let failed = |finding: String| Error::CheckFailed { format: plan.format, finding };
    let undecodable = |error: gif::DecodingError| failed(error.to_string());
    let file = open_output(plan, scratch)?;
    let mut options = gif::DecodeOptions::new();
    options.set_memory_limit(gif::MemoryLimit::Unlimited);
    let mut decoder = options.read_info(BufReader::new(file)).map_err(undecodable)?;
    let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
    if (width, height) != (plan.size.width(), plan.size.height()) {
        return Err(failed(format!("its size is {width}×{height} pixels")));
    }
    let mut canvas = vec![0; plan.size.pixels() as usize];
    let mut timeline = Timeline { plan, counters, comparison };
    let mut until = Duration::ZERO;
    while let Some(patch) = decoder.read_next_frame().map_err(undecodable)? {
        let (left, row_len) = (usize::from(patch.left), usize::from(patch.width));
        let rows = || (usize::from(patch.top)..).take(patch.height.into()).map(|row| row * width as usize + left);
        for (row, indices) in rows().zip(patch.buffer.chunks_exact(row_len)) {
            for (alpha, &index) in canvas[row..row + row_len].iter_mut().zip(indices) {
                if Some(index) != patch.transparent {
                    *alpha = 255;
                }
            }
        }
        until += Duration::from_millis(10 * u64::from(patch.delay));
        timeline.show(MatteSummary::from_alpha(canvas.iter().copied()), until);
        match patch.dispose {
            gif::DisposalMethod::Keep => {}
            gif::DisposalMethod::Background => rows().for_each(|row| canvas[row..row + row_len].fill(0)),
            _ => return Err(failed("a patch has an unexpected disposal".to_owned())),
        }
    }
    Ok(())
}

/// Reads the mattes of an animated PNG with the `png` crate. The crate decodes patches; they are
/// composed here.
pub(crate) fn read_apng(
    plan: &EncodePlan,
    scratch: &Path,
    counters: &Counters,
    comparison: &mut Comparison,
) -> Result<(), Error> {
    let failed = |finding: String| Error::CheckFailed { format: plan.format, finding };
    let undecodable = |error: png::DecodingError| failed(error.to_string());
    let mut reader = open_apng(plan, scratch)?;
    let frames = reader.info().animation_control().map_or(0, |control| control.num_frames);
    let length = reader.output_buffer_size().ok_or_else(|| failed("it is too large".to_owned()))?;
    let (mut pixels, mut canvas) = (vec![0; length], vec![0; plan.size.pixels() as usize]);
    let mut timeline = Timeline { plan, counters, comparison };
    let mut until = Duration::ZERO;
    for _ in 0..frames {
        reader.next_frame(&mut pixels).map_err(undecodable)?;
        let Some(&control) = reader.info().frame_control() else {
            return Err(failed("a patch has no fcTL chunk".to_owned()));
        };
        if control.blend_op != png::BlendOp::Source || control.dispose_op == png::DisposeOp::Previous {
            return Err(failed("a patch has an unexpected blend or dispose operation".to_owned()));
        }
        let (width, row_len) = (plan.size.width() as usize, control.width as usize);
        let first = control.y_offset as usize * width + control.x_offset as usize;
        let rows = || (0..control.height as usize).map(|row| first + row * width);
        for (row, colors) in rows().zip(pixels.chunks_exact(4 * row_len)) {
            for (alpha, color) in canvas[row..row + row_len].iter_mut().zip(colors.chunks_exact(4)) {
                *alpha = color[3];
            }
        }
        until += Duration::from_secs(control.delay_num.into()) / u32::from(control.delay_den).max(1);
        timeline.show(MatteSummary::from_alpha(canvas.iter().copied()), until);
        if control.dispose_op == png::DisposeOp::Background {
            rows().for_each(|row| canvas[row..row + row_len].fill(0));
        }
    }
    Ok(())
}
