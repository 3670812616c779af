//! Arguments of the ffprobe commands, and the guards of every command that reads a clip.

use super::{
    codecs::{OpenedOnly, whitelist},
    split_arguments,
};
use crate::{Container, MediaInfo, MediaLimits, masks::Masks};

/// What ffprobe may open of a clip whose other tracks are unusual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProbeView {
    /// Decoders that are only opened.
    pub(crate) opened: OpenedOnly,
    /// Tracks whose decoder is not even opened.
    pub(crate) masks: Masks,
}

/// Leading arguments of every command that reads an untrusted file: file and pipe protocols only,
/// one demuxer, allowlisted decoders.
pub(super) fn guarded_input(container: Container, limits: &MediaLimits, masks: &Masks, options: &str) -> Vec<String> {
    let demuxer = container.demuxer();
    let protocols = format!("-hide_banner -protocol_whitelist {}", masks.protocols());
    let mut arguments: Vec<String> = split_arguments(&protocols).collect();
    arguments.extend(split_arguments(&format!("-format_whitelist {demuxer} -codec_whitelist {}", whitelist())));
    arguments.extend(split_arguments(&format!("-max_pixels {}", limits.max_pixels)));
    arguments.extend(split_arguments(options));
    arguments.extend(split_arguments(&format!("-f {demuxer} -i {}", masks.address())));
    arguments
}

/// Guarded input of ffprobe, which opens a decoder for every track and fails if one is refused.
/// `-codec_whitelist` alone limits the decoders that read packets to complete the headers;
/// `-codec_whitelist:`, with the empty specifier of every stream, limits those that are opened.
/// Warnings name the track whose decoder could not be opened.
fn ffprobe_input(container: Container, limits: &MediaLimits, view: &ProbeView, options: &str) -> Vec<String> {
    guarded_input(
        container,
        limits,
        &view.masks,
        &format!("-loglevel warning -codec_whitelist: {} {options}", view.opened.whitelist()),
    )
}

/// ffprobe command that prints the streams as JSON.
pub(crate) fn probe_streams(container: Container, limits: &MediaLimits, view: &ProbeView) -> Vec<String> {
    ffprobe_input(container, limits, view, "-show_streams -of json")
}

/// ffprobe command that prints, for every packet of every video stream, a line
/// `stream_index,pts_time,dts,dts_time,duration_time,flags` followed by the types of its side data.
/// With `ignores_edits`, packets are listed that an edit list of an MP4 or MOV leaves out.
pub(crate) fn probe_packets(
    container: Container,
    limits: &MediaLimits,
    view: &ProbeView,
    ignores_edits: bool,
) -> Vec<String> {
    let options = "-select_streams v -show_entries packet=stream_index,pts_time,dts,dts_time,duration_time,flags:packet_side_data=side_data_type -of csv=p=0";
    let ignore = if ignores_edits { "-ignore_editlist 1 " } else { "" };
    ffprobe_input(container, limits, view, &format!("{ignore}{options}"))
}

/// ffprobe command that decodes the first `packets` packets of `stream` and prints, for every frame
/// that they give, a line with its time in seconds.
pub(crate) fn probe_first_frames(
    container: Container,
    limits: &MediaLimits,
    view: &ProbeView,
    stream: usize,
    packets: usize,
) -> Vec<String> {
    let options = format!(
        "-select_streams {stream} -read_intervals %+#{packets} -show_entries frame=best_effort_timestamp_time -of csv=p=0"
    );
    ffprobe_input(container, limits, view, &options)
}

/// ffprobe command that decodes the codec keyframes of the video stream and prints time and size of
/// each.
pub(crate) fn probe_keyframe_sizes(info: &MediaInfo, limits: &MediaLimits, view: &ProbeView) -> Vec<String> {
    let options = format!(
        "-threads 1 -skip_frame nokey -select_streams {} -of compact=p=0 \
         -show_frames -show_entries frame=best_effort_timestamp_time,width,height",
        info.stream
    );
    ffprobe_input(info.container, limits, view, &options)
}
