//! Readers for the PNGs of finished outputs: a poster, and the frames of a sequence.

use std::{
    fmt::Display,
    fs::File,
    io::{BufReader, Cursor, Read},
    path::Path,
};

use clearcut_ffmpeg::EncodePlan;
use serde::de::DeserializeOwned;
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
    let mut archive = Archive::open(plan, scratch)?;
    let info: SequenceInfo = archive.json(SequenceInfo::FILE)?;
    if info != SequenceInfo::new(plan, info.frames) {
        return Err(archive.failed(&format!("it says {info:?}")));
    }
    for index in 0..info.frames {
        let png = archive.content(&SequenceInfo::frame_name(index))?;
        comparison.show(matte_of(plan, Cursor::new(png))?, index + 1);
        counters.count_checked();
    }
    Ok(())
}

/// The ZIP archive of a finished output.
pub(super) struct Archive<'a> {
    plan: &'a EncodePlan,
    pub(super) files: ZipArchive<BufReader<File>>,
}

impl<'a> Archive<'a> {
    pub(super) fn open(plan: &'a EncodePlan, scratch: &Path) -> Result<Self, Error> {
        let file = BufReader::new(open_output(plan, scratch)?);
        let files = ZipArchive::new(file).map_err(|error| failed(plan, &error))?;
        Ok(Self { plan, files })
    }

    /// The error of this output with a finding.
    pub(super) fn failed(&self, finding: &dyn Display) -> Error {
        failed(self.plan, finding)
    }

    /// The bytes of a file.
    fn content(&mut self, name: &str) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        let mut file = self.files.by_name(name).map_err(|error| failed(self.plan, &error))?;
        file.read_to_end(&mut content).map_err(|error| failed(self.plan, &error))?;
        Ok(content)
    }

    /// What a JSON file says.
    pub(super) fn json<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Error> {
        serde_json::from_slice(&self.content(name)?).map_err(|error| self.failed(&error))
    }
}

fn failed(plan: &EncodePlan, finding: &dyn Display) -> Error {
    Error::CheckFailed { format: plan.format, finding: finding.to_string() }
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
