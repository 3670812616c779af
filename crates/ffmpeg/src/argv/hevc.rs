//! Arguments for HEVC with a layer of alpha: of its encoder, and of the trial that shows whether an
//! ffmpeg writes and reads it.

use clearcut_job::Speed;

use super::{
    encode::{EncodePlan, QUIET},
    split_arguments,
};

/// The container, with the tag that players of Apple ask for. `-movflags` puts the index first.
pub(super) const CONTAINER: &str = "-tag:v hvc1 -movflags +faststart -f mov";

/// What every encoder of this kind is given. x265 would list its settings in the file (`info`), and
/// begin groups of pictures that refer to the one before (`open-gop`). Detail that only looks like that
/// of the clip (`psy-rd`) makes edges of the matte less true.
const ALPHA_LAYER: &str = "alpha=1:info=0:open-gop=0:psy-rd=0:log-level=none";

/// Largest number of frames that are encoded at once: each takes memory, and x265 has threads within
/// frames, too.
const MAX_FRAME_THREADS: usize = 3;

/// The encoder. x265 codes the matte as a second layer, at the same quality as the color.
pub(super) fn encoder(plan: &EncodePlan) -> Vec<String> {
    let settings = format!("-c:v libx265 -pix_fmt yuva420p {} -x265-params", speed(plan.speed));
    let (interval, threads) = (EncodePlan::KEYFRAME_INTERVAL, plan.threads);
    let frame_threads = threads.min(MAX_FRAME_THREADS);
    let parameters = format!("{ALPHA_LAYER}:keyint={interval}:pools={threads}:frame-threads={frame_threads}");
    split_arguments(&settings).chain([parameters]).collect()
}

/// About as true as the WebM of the same speed (figures in docs/design/outputs.md).
const fn speed(speed: Speed) -> &'static str {
    match speed {
        Speed::Best => "-preset slow -crf 24",
        Speed::Balanced => "-preset medium -crf 23",
        Speed::Fast => "-preset veryfast -crf 23",
    }
}

/// ffmpeg command that encodes one raw frame of this size, in yuva420p, from standard input to a MOV on
/// standard output.
pub(crate) fn try_encoding((width, height): (usize, usize)) -> Vec<String> {
    let line = format!(
        "{QUIET} -protocol_whitelist pipe -f rawvideo -pixel_format yuva420p -video_size {width}x{height} -i pipe:0 \
         -c:v libx265 -pix_fmt yuva420p -preset ultrafast -x265-params {ALPHA_LAYER}:pools=1 -threads 1 -tag:v hvc1 \
         -movflags empty_moov+frag_keyframe -f mov pipe:1"
    );
    split_arguments(&line).collect()
}

/// ffmpeg command that decodes such a MOV from standard input to raw yuva420p on standard output.
pub(crate) fn try_decoding() -> Vec<String> {
    let line =
        format!("{QUIET} -protocol_whitelist pipe -threads 1 -f mov -i pipe:0 -f rawvideo -pix_fmt yuva420p pipe:1");
    split_arguments(&line).collect()
}
