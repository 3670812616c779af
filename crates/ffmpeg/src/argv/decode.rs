//! Arguments of the commands that read the headers and the pictures of a clip.

use std::{fmt::Write as _, time::Duration};

use clearcut_frame::{FrameRate, Matrix, Size, Subsampling};

use super::{
    codecs::{OpenedOnly, whitelist},
    split_arguments,
};
use crate::{AlphaStream, Container, MediaInfo, MediaLimits, SourceTransfer, ToneMap, masks::Masks};

/// How frames are converted to a constant rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retiming {
    /// The source already has a constant rate: every frame is passed once, none is added.
    EveryFrame,
    /// Frames are repeated or dropped to reach this rate.
    To(FrameRate),
}

/// Settings for decoding a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodePlan {
    /// Size of the frames.
    pub size: Size,
    /// How the frames are converted to a constant rate.
    pub retiming: Retiming,
    /// Decoder threads. More threads are faster and hold more frames in memory.
    pub threads: usize,
}

/// Selection of the frames that are sampled to measure the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplePlan {
    /// The candidate frames and their spacing.
    pub among: Sampled,
    /// Maximum number of frames.
    pub max_frames: u64,
    /// Decoder threads.
    pub threads: usize,
}

/// Candidate frames of a sample. Frames outside the selection are not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampled {
    /// Every n-th keyframe, n at least 1.
    Keyframes(u64),
    /// Reference frames, at least this long after the previous sample. Only for clips of constant
    /// rate, whose timestamps are correct.
    References(Duration),
    /// Every n-th frame, n at least 1.
    Every(u64),
}

/// Selection of a few consecutive frames to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExcerptPlan {
    /// Size of the frames.
    pub size: Size,
    /// Number of the first frame, counted at [`MediaInfo::frame_rate`] from the clip's first frame.
    /// It must not lie behind the start of the clip's last frame.
    pub first: u64,
    /// Number of frames. Behind its end, the clip's last frame is repeated.
    pub frames: u64,
}

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
fn guarded_input(container: Container, limits: &MediaLimits, masks: &Masks, options: &str) -> Vec<String> {
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

pub(super) fn ffmpeg_input(info: &MediaInfo, limits: &MediaLimits, options: &str) -> Vec<String> {
    let decoder = info.decoder.map(|decoder| format!("-c:v {decoder}")).unwrap_or_default();
    let mut arguments = vec!["-nostdin".to_owned()];
    arguments.extend(guarded_input(
        info.container,
        limits,
        &Masks::default(),
        &format!("-loglevel error {decoder} {options}"),
    ));
    arguments
}

/// ffmpeg command that writes raw frames of [`MediaInfo::frame_format`] to standard output.
pub(crate) fn decode(info: &MediaInfo, plan: &DecodePlan, limits: &MediaLimits) -> Vec<String> {
    let mut options = format!("-threads {}", plan.threads);
    let mut filters = Vec::new();
    if let Retiming::To(rate) = plan.retiming {
        options += " -copyts";
        let frames = rate.frames_in(info.duration).max(1);
        let held = frames - rate.frames_in(info.last_frame_start).min(frames - 1);
        filters.extend(start_at_first_frame(info));
        filters.push(retime(info, rate, 0, frames, held));
    }
    let mut arguments = ffmpeg_input(info, limits, &options);
    filters.extend(pixel_filters(info, plan.size));
    arguments.extend(raw_output(info, &filters));
    arguments
}

/// ffmpeg command that writes sampled raw frames of [`MediaInfo::frame_format`] to standard output.
pub(crate) fn sample(info: &MediaInfo, size: Size, plan: &SamplePlan, limits: &MediaLimits) -> Vec<String> {
    let every = |step: u64| format!("select=not(mod(n\\,{}))", step.max(1));
    let (skip_option, select) = match plan.among {
        Sampled::Keyframes(step) => ("-skip_frame nokey", every(step)),
        Sampled::References(interval) => {
            let interval = interval.as_secs_f64();
            ("-skip_frame noref", format!("select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,{interval:.6})"))
        }
        Sampled::Every(step) => ("", every(step)),
    };
    let mut arguments = ffmpeg_input(info, limits, &format!("-threads {} {skip_option}", plan.threads));
    let mut filters = vec![select];
    filters.extend(pixel_filters(info, size));
    arguments.extend(split_arguments(&format!("-frames:v {}", plan.max_frames)));
    arguments.extend(raw_output(info, &filters));
    arguments
}

/// ffmpeg command that writes consecutive raw frames of [`MediaInfo::frame_format`] to standard
/// output, decoded on one thread.
pub(crate) fn excerpt(info: &MediaInfo, plan: &ExcerptPlan, limits: &MediaLimits) -> Vec<String> {
    let mut options = "-threads 1 -copyts".to_owned();
    // No seek at the start of the clip, so containers without seek support can be read too.
    let seeks = plan.first > 0 && !info.lacks_presentation_times;
    if seeks {
        // ffmpeg seeks to a keyframe before the frame that is on screen then, and the filter drops
        // the frames in between. A quarter of a frame is the room for rounded timestamps.
        let start = info.frame_rate.start_of(plan.first).as_secs_f64();
        let quarter = info.frame_rate.start_of(1).as_secs_f64() / 4.0;
        let target = info.video_start_secs + start - quarter;
        let target = if info.container.seeks_to_keyframes() { Some(target) } else { early_target(info, target) };
        if let Some(target) = target {
            let _ = write!(options, " -noaccurate_seek -seek_timestamp 1 -ss {target:.6}");
        }
    }
    let mut filters = Vec::new();
    if !seeks {
        filters.extend(start_at_first_frame(info));
    }
    filters.push(retime(info, info.frame_rate, plan.first, plan.frames, plan.frames));
    filters.extend(pixel_filters(info, plan.size));
    let mut arguments = ffmpeg_input(info, limits, &options);
    arguments.extend(split_arguments(&format!("-frames:v {}", plan.frames)));
    arguments.extend(raw_output(info, &filters));
    arguments
}

/// A time well before `target` to seek to, in a container where ffmpeg lands at any packet: decoding
/// starts at the next keyframe, which must not be behind `target`. `None` near the start, and in
/// clips with few keyframes.
fn early_target(info: &MediaInfo, target: f64) -> Option<f64> {
    const MIN_LEAD_SECS: f64 = 20.0;
    let keyframe_interval = info.duration.as_secs_f64() / info.keyframes.max(1) as f64;
    let early = target - (4.0 * keyframe_interval).max(MIN_LEAD_SECS);
    (early > info.video_start_secs).then_some(early)
}

/// For a clip without presentation times that is decoded from its start: a filter that times its
/// first frame. The decoder gives it the time at which it leaves the decoder, some frames late.
fn start_at_first_frame(info: &MediaInfo) -> Option<String> {
    let start = info.video_start_secs;
    info.lacks_presentation_times.then(|| format!("settb=AVTB,setpts=PTS-STARTPTS+{start:.6}/TB"))
}

/// Filters that give exactly `frames` frames of constant `rate`, from frame number `first` of the
/// clip on. Each shows what is on screen at its middle. The last frame is repeated up to `held`
/// times. The timestamps must be those of the file (`-copyts`).
fn retime(info: &MediaInfo, rate: FrameRate, first: u64, frames: u64, held: u64) -> String {
    /// Keeps the start off the times at which frames begin.
    const OFF_GRID: f64 = 137e-6;
    // The filter drops the last frame if its number is that of the end, which ffmpeg may take for
    // the start of that frame. So numbers are rounded down and the end up, and the start lies half a
    // frame earlier, which gives the same numbers as rounding to the nearest. In units of the
    // container, such as the frames of an AVI, half a frame would be lost.
    let half_frame = 0.5 / rate.per_second();
    let start = info.video_start_secs + rate.start_of(first).as_secs_f64() - half_frame + OFF_GRID;
    format!(
        "settb=AVTB,fps={rate}:start_time={start:.6}:round=down:eof_action=pass,\
         tpad=stop={held}:stop_mode=clone,trim=end_frame={frames}"
    )
}

/// A filter that sets the unstated color properties: zscale fails on unspecified ones.
fn unstated_colors(source: ToneMap) -> Option<String> {
    let unstated = [
        (source.transfer == SourceTransfer::Unstated, "color_trc=bt2020-10"),
        (!source.has_primaries, "color_primaries=bt2020"),
        (!source.has_matrix, "colorspace=bt2020nc"),
    ];
    let named: Vec<&str> = unstated.into_iter().filter_map(|(is_unstated, name)| is_unstated.then_some(name)).collect();
    if named.is_empty() { None } else { Some(format!("setparams={}", named.join(":"))) }
}

/// Filters that convert a decoded frame to 8-bit limited range in `size`, in the matrix of
/// [`MediaInfo::color`].
fn pixel_filters(info: &MediaInfo, size: Size) -> Vec<String> {
    let mut filters = Vec::new();
    if let Some(source) = info.tone_map {
        filters.extend(unstated_colors(source));
        // Reference white of HDR video is 203 cd/m² (ITU-R BT.2408).
        let linear = if info.has_alpha { "gbrapf32le" } else { "gbrpf32le" };
        filters.push(match source.transfer {
            SourceTransfer::HighDynamicRange => format!(
                "zscale=transfer=linear:npl=203,format={linear},zscale=primaries=bt709,tonemap=mobius:desat=0,\
                 zscale=transfer=bt709:matrix=bt709:range=tv"
            ),
            SourceTransfer::Standard | SourceTransfer::Unstated => {
                "zscale=primaries=bt709:transfer=bt709:matrix=bt709:range=tv".to_owned()
            }
        });
    }
    let matrix = match info.color.matrix {
        Matrix::Bt601 => "bt601",
        Matrix::Bt709 => "bt709",
    };
    let quality = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp";
    filters.push(format!(
        "scale={}:{}:in_color_matrix={matrix}:out_color_matrix={matrix}:out_range=tv:{quality}",
        size.width(),
        size.height()
    ));
    filters
}

fn raw_output(info: &MediaInfo, filters: &[String]) -> Vec<String> {
    let (stream, filters) = (info.stream, filters.join(","));
    let graph = match info.alpha_stream {
        None => vec!["-map".to_owned(), format!("0:{stream}"), "-vf".to_owned(), filters],
        Some(alpha) => {
            let graph = format!("{}[alpha];[0:{stream}][alpha]alphamerge,{filters}[out]", alpha_filters(alpha));
            vec!["-filter_complex".to_owned(), graph, "-map".to_owned(), "[out]".to_owned()]
        }
    };
    let pixels = raw_pixel_format(info.subsampling, info.has_alpha);
    let output = format!("-an -sn -dn -fps_mode passthrough -f rawvideo -pix_fmt {pixels} pipe:1");
    graph.into_iter().chain(split_arguments(&output)).collect()
}

/// Filters that make the frames of an alpha stream full-range gray in the size of the color.
fn alpha_filters(alpha: AlphaStream) -> String {
    // A plane is taken as it is, because the scaler treats gray as full range whatever it is.
    let range = if alpha.is_limited { ",lut=c0='clip((val-16)*255/219,0,255)'" } else { "" };
    let (width, height) = (alpha.size.width(), alpha.size.height());
    format!("[0:{}]extractplanes=y,format=gray{range},scale={width}:{height}", alpha.stream)
}

/// ffmpeg's name for the layout of a [`clearcut_frame::Frame`].
pub(super) const fn raw_pixel_format(subsampling: Subsampling, has_alpha: bool) -> &'static str {
    match (subsampling, has_alpha) {
        (Subsampling::Half, false) => "yuv420p",
        (Subsampling::Half, true) => "yuva420p",
        (Subsampling::Full, false) => "yuv444p",
        (Subsampling::Full, true) => "yuva444p",
    }
}
