//! Arguments for ffmpeg and ffprobe, built from enums and numbers only.

mod codecs;
mod decode;
mod encode;

pub(crate) use codecs::{decodes_audio, decodes_codec};
pub(crate) use decode::{
    AUDIO_FILE, decode, excerpt, extract_audio, measure_fields, probe_keyframe_sizes, probe_packets, probe_streams,
    sample,
};
pub use decode::{DecodePlan, ExcerptPlan, Retiming, SamplePlan, Sampled};
pub use encode::{EncodePlan, Layer};
pub(crate) use encode::{decode_matte, encode, encode_layer};

/// Splits a line into arguments, so that command lines can be written as they are typed. No
/// argument may contain a space.
fn split_arguments(line: &str) -> impl Iterator<Item = String> + '_ {
    line.split_whitespace().map(str::to_owned)
}

#[cfg(test)]
mod tests;
