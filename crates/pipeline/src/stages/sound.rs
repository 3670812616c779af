//! The sound of the outputs: decoded and aligned with the pictures before the encoders start.

use std::{
    io::{self, ErrorKind, Read, Write},
    time::Duration,
};

use clearcut_ffmpeg::{AudioTrack, Error as ToolError, MediaInfo, TimeSpan};
use clearcut_job::{Note, NoteCode};

use crate::{CutJob, Error, Stop};

/// What became of the sound of a clip.
#[derive(Debug, Default)]
pub(crate) struct Sound {
    /// Whether [`clearcut_ffmpeg::Tools::AUDIO_FILE`] is in the scratch folder.
    pub(crate) is_kept: bool,
    /// What is missing in it.
    pub(crate) note: Option<Note>,
}

/// Smallest share of the clip that damaged sound must still cover to be kept.
const MIN_COVERAGE: f64 = 0.1;

/// Length in bytes of a stream without samples: its headers are shorter.
const EMPTY_BYTES: u64 = 1024;

/// Writes the sound of `audio` within `span` to [`clearcut_ffmpeg::Tools::AUDIO_FILE`] in the scratch
/// folder, in the tempo of the request. Damaged sound is kept with gaps, or left out. Blocks.
///
/// # Errors
/// A failure of the machine, such as a full disk; or the cut was stopped.
pub(crate) fn extract_sound(
    job: &CutJob,
    info: &MediaInfo,
    (audio, span): (&AudioTrack, TimeSpan),
    stop: &Stop,
) -> Result<Sound, Error> {
    let tempo = job.request.tempo.factor();
    let mut decoder = stop.register(job.tools.decode_sound(job.input, info, (audio, span), &job.limits)?);
    let mut aligner = stop.register(job.tools.align_sound((span.length.div_f64(tempo), tempo), job.scratch)?);
    let mut bytes = 0;
    if let Some((mut decoded, aligned)) = decoder.take_stdout().zip(aligner.take_stdin()) {
        let reading = |source| Error::Io { doing: "reading the decoded sound", source };
        bytes = copy(&mut decoded, aligned).map_err(reading)?;
        let aligned = aligner.wait();
        stop.check()?;
        match aligned {
            Err(ToolError::Failed { .. }) if bytes <= EMPTY_BYTES => {}
            other => other?,
        }
        // The aligner stops at the end of the clip. The decoder may go on, and ends by itself.
        io::copy(&mut decoded, &mut io::sink()).map_err(reading)?;
    }
    let decoded = decoder.wait();
    stop.check()?;
    let is_damaged = match decoded {
        Ok(()) => false,
        Err(ToolError::Failed { .. } | ToolError::Media(_)) => true,
        Err(error) => return Err(error.into()),
    };
    Ok(Sound::found(audio, span.length, bytes, is_damaged))
}

impl Sound {
    /// Judges `bytes` of decoded sound for a clip, or a part of one, of this length.
    fn found(audio: &AudioTrack, length: Duration, bytes: u64, is_damaged: bool) -> Self {
        let (secs, length) = (audio.decoded_secs(bytes), length.as_secs_f64());
        let left_out = |reason| {
            let message = format!("the sound was left out: track {} ({}) {reason}", audio.stream + 1, audio.codec);
            Self { is_kept: false, note: Some(Note::new(NoteCode::SoundLeftOut, message)) }
        };
        if is_damaged && (bytes <= EMPTY_BYTES || secs < length * MIN_COVERAGE) {
            left_out("is damaged")
        } else if bytes <= EMPTY_BYTES {
            left_out("has no samples within the clip")
        } else if is_damaged {
            let message = format!("parts of the sound are damaged and silent: {secs:.1} of {length:.1} s were decoded");
            Self { is_kept: true, note: Some(Note::new(NoteCode::SoundDamaged, message)) }
        } else {
            Self { is_kept: true, note: None }
        }
    }
}

/// Copies until the input ends or the output takes no more, and returns the number of bytes read.
fn copy(input: &mut impl Read, mut output: impl Write) -> io::Result<u64> {
    let (mut buffer, mut total) = (vec![0; 64 << 10], 0);
    loop {
        let read = match input.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        total += read as u64;
        if read == 0 || output.write_all(&buffer[..read]).is_err() {
            return Ok(total);
        }
    }
}

#[cfg(test)]
mod tests {
    use clearcut_ffmpeg::Downmix;

    use super::*;

    #[test]
    fn damaged_sound_is_kept_if_enough_of_it_is_left() {
        let audio = AudioTrack {
            stream: 1,
            codec: "aac".to_owned(),
            channels: 6,
            sample_rate: 48_000,
            downmix: Downmix::ByLayout,
        };
        let found = |secs: f64, is_damaged| {
            let bytes = (secs * 48_000.0 * 2.0 * 3.0) as u64 + 200;
            let sound = Sound::found(&audio, Duration::from_secs(10), bytes, is_damaged);
            (sound.is_kept, sound.note.map(|note| note.code))
        };
        assert_eq!(found(10.0, false), (true, None));
        assert_eq!(found(0.1, false), (true, None), "a short sound is not a damaged one");
        assert_eq!(found(0.0, false), (false, Some(NoteCode::SoundLeftOut)));
        assert_eq!(found(7.0, true), (true, Some(NoteCode::SoundDamaged)));
        assert_eq!(found(0.5, true), (false, Some(NoteCode::SoundLeftOut)));
    }
}
