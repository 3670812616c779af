//! The child processes of a cut: one decoder, and encoders for the formats that ffmpeg encodes.

use clearcut_ffmpeg::{Child, EncodePlan, MediaInfo};

use crate::{
    CutJob, Error, Stop,
    limit::Limit,
    plan::Plan,
    stages::{
        encode::EncoderBackend,
        sound::{Sound, extract_sound},
    },
};

/// The running decoder and encoders of a cut. The thread that starts them must outlive them: the
/// operating system kills child processes when the thread that started them exits.
pub(crate) struct Children {
    pub(crate) decoder: Child,
    /// One for each of [`Plan::encodes`], in the same order.
    pub(crate) encoders: Vec<EncoderBackend>,
    pub(crate) sound: Sound,
}

impl Children {
    /// Starts the decoder and the encoders. If an output carries sound, the encoders start after
    /// the sound has been extracted to the scratch folder.
    ///
    /// # Errors
    /// A failure of the machine, above all [`clearcut_ffmpeg::Error::Spawn`].
    pub(crate) fn start(job: &CutJob, info: &MediaInfo, plan: &Plan, stop: &Stop) -> Result<Self, Error> {
        let decoder = stop.register(job.tools.decode(job.input, info, &plan.decode, &job.limits)?);
        let sound = match &info.audio {
            Some(audio) if plan.carries_audio() => extract_sound(job, info, (audio, plan.span), stop)?,
            _ => Sound::default(),
        };
        let (mut encoders, limit) = (Vec::new(), Limit::of(job.request));
        for encode in &plan.encodes {
            let encode = &EncodePlan { has_audio: encode.has_audio && sound.is_kept, ..encode.clone() };
            encoders.push(EncoderBackend::start(
                (encode, plan.encoded_frames()),
                limit,
                (job.tools, stop),
                job.scratch,
            )?);
        }
        Ok(Self { decoder, encoders, sound })
    }
}
