use clearcut_ffmpeg::{Child, MediaInfo};
use clearcut_job::OutputFormat;

use crate::{CutJob, Error, Stop, encode::Work, layers::Layers, plan::Plan};

/// Decoder and encoders of a cut, started and waiting for frames. Whoever started them outlives them: the system ends them should that
/// thread die.
pub(crate) struct Children {
    pub(crate) decoder: Child,
    /// One for each of [`Plan::encodes`].
    pub(crate) works: Vec<Work>,
}

impl Children {
    /// Starts them; encoders once the clip's sound, where they take it along, lies in the scratch folder.
    ///
    /// # Errors
    /// What reading the sound complains of, or [`clearcut_ffmpeg::Error::Spawn`].
    pub(crate) fn start(job: &CutJob, info: &MediaInfo, plan: &Plan, stop: &Stop) -> Result<Self, Error> {
        let sound = if plan.carries_audio() {
            Some(stop.covers(job.tools.extract_audio(job.input, info, &job.limits, job.scratch)?))
        } else {
            None
        };
        let decoder = stop.covers(job.tools.decode(job.input, info, &plan.decode, &job.limits)?);
        if let Some(sound) = sound {
            sound.wait().map_err(clearcut_ffmpeg::Error::of_reading)?;
        }
        let mut works = Vec::new();
        for encode in &plan.encodes {
            works.push(match encode.format {
                OutputFormat::Webp | OutputFormat::Apng => Work::Here,
                OutputFormat::Webm => Work::Layers(Layers::start(job.tools, encode, job.scratch, stop)?),
                OutputFormat::StackedAlpha | OutputFormat::Mov => {
                    Work::Child(stop.covers(job.tools.encode(encode, job.scratch)?))
                }
            });
        }
        Ok(Self { decoder, works })
    }
}
