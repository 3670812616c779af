//! Arguments for ffmpeg and ffprobe, built from enums and numbers only.

mod codecs;
mod decode;
mod encode;

pub(crate) use codecs::{decodes_audio, decodes_codec};
pub(crate) use decode::{AUDIO_FILE, decode, excerpt, extract_audio, probe_packets, probe_streams, sample};
pub use decode::{DecodePlan, ExcerptPlan, Retiming, SamplePlan, Sampled, SourceTransfer, ToneMap};
pub use encode::{ColorTags, EncodePlan, Layer};
pub(crate) use encode::{decode_matte, encode, encode_layer};

/// Splits a line of arguments, so that they can be read as one types them. None of ours holds a space.
fn words(line: &str) -> impl Iterator<Item = String> + '_ {
    line.split_whitespace().map(str::to_owned)
}

#[cfg(test)]
mod tests;
