//! Readers for the PNGs of finished outputs: a poster, and the frames of a sequence.

use std::{
    io::{BufReader, Cursor, Read},
    path::Path,
};

use clearcut_ffmpeg::EncodePlan;
use zip::ZipArchive;

use super::{Comparison, read_back::open_output};
use crate::{Error, matte_log::MatteSummary, progress::Counters, stages::encode::SequenceInfo};

/// Reads the mattes of the frames of a PNG sequence, and what it says of them.
pub(crate) fn read_sequence(
    plan: &EncodePlan,
    scratch: &Path,
    counters: &Counters,
    comparison: &mut Comparison,
) -> Result<(), Error> {
    let failed = |finding: String| Error::CheckFailed { format: plan.format, finding };
    let unreadable = |error: &dyn std::fmt::Display| failed(error.to_string());
    let mut archive =
        ZipArchive::new(BufReader::new(open_output(plan, scratch)?)).map_err(|error| unreadable(&error))?;
    let mut content_of = |name: &str| {
        let mut content = Vec::new();
        let mut entry = archive.by_name(name).map_err(|error| unreadable(&error))?;
        entry.read_to_end(&mut content).map_err(|error| unreadable(&error))?;
        Ok::<_, Error>(content)
    };
    let info: SequenceInfo =
        serde_json::from_slice(&content_of(SequenceInfo::FILE)?).map_err(|error| unreadable(&error))?;
    if info != SequenceInfo::new(plan, info.frames) {
        return Err(failed(format!("it says {info:?}")));
    }
    for index in 0..info.frames {
        let png = content_of(&SequenceInfo::frame_name(index))?;
        comparison.show(matte_of(plan, Cursor::new(png))?, index + 1);
        counters.count_checked();
    }
    Ok(())
}

/// Reads the matte of a poster.
pub(crate) fn read_poster(
    plan: &EncodePlan,
    scratch: &Path,
    counters: &Counters,
    comparison: &mut Comparison,
) -> Result<(), Error> {
    comparison.show(matte_of(plan, BufReader::new(open_output(plan, scratch)?))?, 1);
    counters.count_checked();
    Ok(())
}

/// The matte of a PNG, which has the size of the plan, and R'G'B' with alpha.
fn matte_of(plan: &EncodePlan, png: impl std::io::BufRead + std::io::Seek) -> Result<MatteSummary, Error> {
    let failed = |finding: String| Error::CheckFailed { format: plan.format, finding };
    let undecodable = |error: png::DecodingError| failed(error.to_string());
    let mut reader = png::Decoder::new(png).read_info().map_err(undecodable)?;
    let info = reader.info();
    if (info.width, info.height, info.color_type) != (plan.size.width(), plan.size.height(), png::ColorType::Rgba) {
        return Err(failed(format!("a PNG is {:?} of {}×{} pixels", info.color_type, info.width, info.height)));
    }
    let length = reader.output_buffer_size().ok_or_else(|| failed("it is too large".to_owned()))?;
    let mut pixels = vec![0; length];
    reader.next_frame(&mut pixels).map_err(undecodable)?;
    Ok(MatteSummary::from_alpha(pixels.chunks_exact(4).map(|pixel| pixel[3])))
}
