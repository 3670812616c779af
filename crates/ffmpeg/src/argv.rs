//! Arguments for ffmpeg and ffprobe, built from enums and numbers only.

mod codecs;
mod decode;
mod encode;
mod hevc;
mod join;
mod probe;
mod sample;
mod sound;

pub(crate) use codecs::{decodes_audio, decodes_codec, missing_decoders};
pub use decode::{DecodePlan, DecodeWindow, ExcerptPlan, Retiming};
pub(crate) use decode::{convert_still, decode, decode_in, excerpt, list_units, measure_fields};
pub use encode::{EncodePlan, Layer, LayerCrf};
pub(crate) use encode::{decode_matte, decode_picture, encode, encode_layer, list_packets, stated_length};
pub(crate) use hevc::{try_decoding, try_encoding};
pub(crate) use join::{encode_sound, join, list_name, list_of_pieces};
pub(crate) use probe::{ProbeView, probe_first_frames, probe_keyframe_sizes, probe_packets, probe_streams};
pub(crate) use sample::sample;
pub use sample::{SamplePlan, Sampled};
pub(crate) use sound::{AUDIO_FILE, align_sound, decode_sound};

/// Splits a line into arguments, so that command lines can be written as they are typed. No
/// argument may contain a space.
fn split_arguments(line: &str) -> impl Iterator<Item = String> + '_ {
    line.split_whitespace().map(str::to_owned)
}

#[cfg(test)]
mod tests;
