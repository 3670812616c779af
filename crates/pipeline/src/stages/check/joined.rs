//! The check of a piece, and of the file that is joined of checked pieces. A piece is decoded like
//! every output. Of a joined file everything is read, but only the start of each piece is decoded: its
//! other pictures are byte for byte those of the pieces.

use std::path::Path;

use clearcut_ffmpeg::{EncodePlan, Tools};
use clearcut_job::{AlphaCheck, OutputFormat};
use serde::{Deserialize, Serialize};

use super::{
    Comparison, check_output,
    contents::{Contents, FileContents},
    mean_tolerance,
    read_back::read_with_ffmpeg,
};
use crate::{Error, Stop, matte_log::MatteLog, progress::Counters, stages::mov::check_mov};

/// What the check of a piece found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PieceCheck {
    pub(crate) alpha: AlphaCheck,
    /// `None` in formats whose joined file is decoded again.
    pub(crate) contents: Option<Contents>,
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
    let alpha = check_output(tools, plan, scratch, log, stop, counters)?;
    let contents = match plan.format {
        OutputFormat::Webm | OutputFormat::StackedAlpha | OutputFormat::Mov => {
            FileContents::read((tools, stop), plan, scratch, &[0])?.pieces.pop()
        }
        OutputFormat::Webp | OutputFormat::Apng => None,
    };
    Ok(PieceCheck { alpha, contents })
}

impl Joined<'_> {
    /// Whether all pieces tell what they hold and have the same
    /// [`decoder_setup`](Contents::decoder_setup). Then no picture is changed when they are joined.
    pub(crate) fn are_alike(&self) -> bool {
        let setups = self.pieces.iter().map(|(_, check)| check.contents.as_ref().map(|it| &it.decoder_setup));
        let setups: Option<Vec<_>> = setups.collect();
        setups.is_some_and(|setups| setups.windows(2).all(|pair| pair[0] == pair[1]))
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
            return check_output(tools, plan, scratch, self.log, stop, counters);
        }
        let failed = |finding: String| Error::CheckFailed { format: plan.format, finding };
        if plan.format == OutputFormat::Mov {
            check_mov(&scratch.join(plan.file_name()), plan)?;
        }
        let starts: Vec<u64> =
            (self.pieces.iter()).scan(0, |next, (frames, _)| Some(std::mem::replace(next, *next + frames))).collect();
        let found = FileContents::read((tools, stop), plan, scratch, &starts)?;
        let is_other = |(found, (_, check)): (&Contents, &(u64, &PieceCheck))| check.contents.as_ref() != Some(found);
        if let Some(index) = found.pieces.iter().zip(self.pieces).position(is_other) {
            return Err(failed(format!("its pictures of segment {index} are not those that were checked")));
        }
        let length = plan.frame_rate.start_of(self.log.frames()).as_secs_f64();
        let sound = plan.has_audio.then_some(self.sound_secs);
        let is_off = |expected: f64, found: f64| (expected - found).abs() > LENGTH_TOLERANCE_SECS;
        match (sound, found.sound_end_secs) {
            (None, None) => {}
            (Some(expected), Some(found)) if !is_off(expected, found) => {}
            (expected, found) => return Err(failed(format!("its sound ends at {found:?} s instead of {expected:?}"))),
        }
        let (expected, stated) = (length.max(sound.unwrap_or_default()), tools.stated_length(plan, scratch)?);
        if stated.is_none_or(|stated| is_off(expected, stated)) {
            return Err(failed(format!("it states a length of {stated:?} s instead of {expected}")));
        }
        for (start, (frames, _)) in starts.iter().zip(self.pieces).skip(1) {
            let range = *start..start + (*frames).min(DECODED_FRAMES);
            let log = self.log.part(&range);
            let mut comparison = Comparison::new(&log, mean_tolerance(plan.size), false);
            read_with_ffmpeg((tools, stop), plan, scratch, Some(&range), counters, &mut comparison)?;
            comparison.finish().map_err(|finding| failed(format!("from frame {start} on: {finding}")))?;
        }
        let checks = self.pieces.iter().map(|(_, check)| check.alpha);
        Ok(checks.fold(AlphaCheck { frames_compared: 0, largest_mean_difference: 0.0 }, |sum, next| AlphaCheck {
            frames_compared: sum.frames_compared + next.frames_compared,
            largest_mean_difference: sum.largest_mean_difference.max(next.largest_mean_difference),
        }))
    }
}
