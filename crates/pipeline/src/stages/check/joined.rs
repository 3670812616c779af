//! The check of a piece, and of the file that is joined of checked pieces. A piece is decoded like
//! every output. Of a joined file everything is read, but only the start of each piece is decoded: its
//! other pictures are byte for byte those of the pieces. Of animations nothing is decoded: the first
//! patch of a piece covers the canvas.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, Tools};
use clearcut_job::{AlphaCheck, OutputFormat};
use serde::{Deserialize, Serialize};

use super::{
    Comparison, Logs, check_output,
    contents::{Contents, FileContents},
    mean_tolerance,
    read_back::{open_apng, open_webp, read_webp_file, read_with_ffmpeg},
};
use crate::{Error, Stop, matte_log::MatteLog, progress::Counters, stages::mov::check_mov};

/// What the check of a piece found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PieceCheck {
    alpha: AlphaCheck,
    contents: Contents,
}

/// What a joined file is made of.
pub(crate) struct Joined<'a> {
    /// The number of frames and the check of each piece.
    pub(crate) pieces: &'a [(u64, &'a PieceCheck)],
    /// The mattes of all frames.
    pub(crate) log: &'a MatteLog,
    /// Length of its sound in seconds, if it has any: that of the clip.
    pub(crate) sound_secs: f64,
}

/// Number of frames that are decoded at the start of a piece.
const DECODED_FRAMES: u64 = 4;

/// Largest difference of a length from the expected one, in seconds: a packet of AAC at 8 kHz takes
/// 0.13 s.
const LENGTH_TOLERANCE_SECS: f64 = 0.15;

/// Checks the piece of `plan` in `scratch` as [`check_output`] does, and remembers what it holds.
///
/// # Errors
/// Those of [`check_output`].
pub(crate) fn check_piece(
    (tools, stop): (&Tools, &Stop),
    plan: &EncodePlan,
    scratch: &Path,
    log: &MatteLog,
    counters: &Counters,
) -> Result<PieceCheck, Error> {
    let alpha = check_output((tools, stop), plan, scratch, Logs::of(log), counters)?;
    let contents = FileContents::read((tools, stop), plan, scratch, &[u64::MAX])?.pieces.pop();
    let contents = contents.ok_or_else(|| failed(plan, "it holds nothing"))?;
    Ok(PieceCheck { alpha, contents })
}

fn failed(plan: &EncodePlan, finding: impl Into<String>) -> Error {
    Error::CheckFailed { format: plan.format, finding: finding.into() }
}

impl Joined<'_> {
    /// Whether all pieces have the same [`decoder_setup`](Contents::decoder_setup). Then no picture is
    /// changed when they are joined.
    pub(crate) fn are_alike(&self) -> bool {
        let setup = |(_, check): &(u64, &PieceCheck)| check.contents.decoder_setup.clone();
        self.pieces.windows(2).all(|pair| setup(&pair[0]) == setup(&pair[1]))
    }

    /// Checks the joined file of `plan` in `scratch`.
    ///
    /// # Errors
    /// [`Error::CheckFailed`] with the finding, or an error of reading the output.
    pub(crate) fn check(
        &self,
        (tools, stop): (&Tools, &Stop),
        plan: &EncodePlan,
        scratch: &Path,
        counters: &Counters,
    ) -> Result<AlphaCheck, Error> {
        if !self.are_alike() {
            return check_output((tools, stop), plan, scratch, Logs::of(self.log), counters);
        }
        let pictures: Vec<u64> = self.pieces.iter().map(|(_, check)| check.contents.pictures).collect();
        let found = FileContents::read((tools, stop), plan, scratch, &pictures)?;
        let is_other = |index: &usize| found.pieces.get(*index) != Some(&self.pieces[*index].1.contents);
        if let Some(index) = (0..self.pieces.len()).find(is_other) {
            return Err(failed(plan, format!("its pictures of segment {index} are not those that were checked")));
        }
        match plan.format {
            OutputFormat::Webp => drop(open_webp(plan, &read_webp_file(plan, scratch)?)?),
            OutputFormat::Apng => drop(open_apng(plan, scratch)?),
            OutputFormat::Mp4
            | OutputFormat::Gif
            | OutputFormat::HevcAlpha
            | OutputFormat::PngSequence
            | OutputFormat::SpriteSheet
            | OutputFormat::Foreground
            | OutputFormat::Poster => {
                return Err(Error::not_of_pieces(plan.format));
            }
            OutputFormat::Webm | OutputFormat::StackedAlpha | OutputFormat::Mov | OutputFormat::Matte => {
                if plan.format == OutputFormat::Mov {
                    check_mov(&scratch.join(plan.file_name()), plan)?;
                }
                self.check_lengths(tools, plan, scratch, found.sound_end_secs)?;
                self.check_starts((tools, stop), plan, scratch, counters)?;
            }
        }
        let checks = self.pieces.iter().map(|(_, check)| check.alpha);
        Ok(checks.fold(AlphaCheck { frames_compared: 0, largest_mean_difference: 0.0 }, |sum, next| AlphaCheck {
            frames_compared: sum.frames_compared + next.frames_compared,
            largest_mean_difference: sum.largest_mean_difference.max(next.largest_mean_difference),
        }))
    }

    /// Checks the length of the sound, and the length that the file states.
    fn check_lengths(
        &self,
        tools: &Tools,
        plan: &EncodePlan,
        scratch: &Path,
        sound_end_secs: Option<f64>,
    ) -> Result<(), Error> {
        let sound = (plan.has_audio && plan.format.carries_audio()).then_some(self.sound_secs);
        let is_off = |expected: f64, found: f64| (expected - found).abs() > LENGTH_TOLERANCE_SECS;
        match (sound, sound_end_secs) {
            (None, None) => {}
            (Some(expected), Some(found)) if !is_off(expected, found) => {}
            (expected, found) => {
                return Err(failed(plan, format!("its sound ends at {found:?} s instead of {expected:?}")));
            }
        }
        let length = plan.frame_rate.start_of(self.log.frames()).as_secs_f64();
        let (expected, stated) = (length.max(sound.unwrap_or_default()), tools.stated_length(plan, scratch)?);
        if stated.is_none_or(|stated| is_off(expected, stated)) {
            return Err(failed(plan, format!("it states a length of {stated:?} s instead of {expected}")));
        }
        Ok(())
    }

    /// Decodes the first frames of each piece but the first and compares them with their mattes.
    fn check_starts(
        &self,
        (tools, stop): (&Tools, &Stop),
        plan: &EncodePlan,
        scratch: &Path,
        counters: &Counters,
    ) -> Result<(), Error> {
        let mut start = 0;
        for pair in self.pieces.windows(2) {
            start += pair[0].0;
            let range = start..start + pair[1].0.min(DECODED_FRAMES);
            let log = self.log.part(&range);
            let mut comparison = Comparison::new(&log, mean_tolerance(plan.size), false);
            read_with_ffmpeg((tools, stop), plan, scratch, Some(&range), counters, &mut comparison)?;
            comparison.finish().map_err(|finding| failed(plan, format!("from frame {start} on: {finding}")))?;
        }
        Ok(())
    }
}
