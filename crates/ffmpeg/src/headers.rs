//! Parser of ffprobe's output into [`MediaInfo`].

use std::time::Duration;

use clearcut_frame::{FrameRate, Size, Subsampling};
use clearcut_job::{Note, NoteCode};
use serde::Deserialize;

use crate::{
    AudioTrack, Capabilities, ColorConversion, ColorTags, Container, Error, MediaError, MediaInfo, MediaLimits, argv,
    color::StatedColors,
    interlace::{FieldOrder, Fields},
    keyframe_sizes::KeyframeSizes,
};

#[derive(Deserialize)]
struct FfprobeOutput {
    #[serde(default)]
    streams: Vec<Stream>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct Stream {
    index: usize,
    codec_type: String,
    codec_name: String,
    width: u32,
    height: u32,
    pix_fmt: String,
    sample_aspect_ratio: String,
    r_frame_rate: String,
    avg_frame_rate: String,
    nb_frames: String,
    field_order: String,
    color_range: String,
    color_space: String,
    color_transfer: String,
    color_primaries: String,
    channels: u32,
    sample_rate: String,
    disposition: Disposition,
    tags: Tags,
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct Disposition {
    attached_pic: u8,
}

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct Tags {
    #[serde(alias = "ALPHA_MODE")]
    alpha_mode: String,
}

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct SideData {
    rotation: f64,
    /// Profile of Dolby Vision; 0 in other side data.
    dv_profile: u8,
    dv_bl_signal_compatibility_id: u8,
}

/// The properties that the headers state; [`apply_packets`] checks them against the packets.
pub(crate) struct HeaderInfo {
    info: MediaInfo,
    header_frame_count: Option<u64>,
    rates: Vec<FrameRate>,
    video: Stream,
}

impl HeaderInfo {
    pub(crate) fn info(self) -> MediaInfo {
        self.info
    }

    /// What is known so far.
    pub(crate) const fn so_far(&self) -> &MediaInfo {
        &self.info
    }

    /// The order of the fields, if the clip is flagged as interlaced.
    pub(crate) fn field_order(&self) -> Option<FieldOrder> {
        FieldOrder::of_flag(&self.video.field_order)
    }

    /// Decides whether the frames are de-interlaced.
    pub(crate) fn settle_fields(&mut self, fields: Fields) {
        self.info.settle_fields(self.field_order(), fields);
    }

    /// Makes the size that is shown longest the size of the clip.
    pub(crate) fn resize(
        &mut self,
        sizes: &KeyframeSizes,
        limits: &MediaLimits,
        capabilities: &Capabilities,
    ) -> Result<(), Error> {
        let coded = sizes.main().ok_or(MediaError::Damaged)?;
        let size = display_size(coded, &self.video.sample_aspect_ratio, self.info.rotation_degrees);
        self.info.size = size.ok_or(MediaError::Damaged)?;
        check_pixels(self.info.size, coded, limits)?;
        (self.info.color, self.info.conversion) = colors_of(&self.video, self.info.size, capabilities)?;
        self.info.size_changes = Some(sizes.changes(coded));
        self.info.notes.push(Note::new(NoteCode::SizeChanged, sizes.message(coded)));
        Ok(())
    }
}

/// Parses ffprobe's JSON and rejects clips that the headers already show to be unusable.
pub(crate) fn parse_streams(
    container: Container,
    json: &[u8],
    limits: &MediaLimits,
    capabilities: &Capabilities,
) -> Result<HeaderInfo, Error> {
    let output: FfprobeOutput = serde_json::from_slice(json).map_err(|_| MediaError::Damaged)?;
    if output.streams.len() > limits.max_streams {
        return Err(over_limit(format!("{} streams", output.streams.len()), format!("{} streams", limits.max_streams)));
    }
    let is_video = |stream: &&Stream| stream.codec_type == "video" && stream.disposition.attached_pic == 0;
    let video = output.streams.iter().find(is_video).ok_or(MediaError::NoVideoStream)?;
    if !argv::decodes_codec(&video.codec_name) {
        return Err(MediaError::UnsupportedCodec { codec: printable(&video.codec_name) }.into());
    }
    let coded = Size::new(video.width, video.height).ok_or(MediaError::Damaged)?;
    let rotation = video.side_data_list.iter().map(|data| data.rotation).find(|turn| *turn != 0.0).unwrap_or(0.0);
    let rotation_degrees = clockwise(rotation);
    let size = display_size(coded, &video.sample_aspect_ratio, rotation_degrees).ok_or(MediaError::Damaged)?;
    check_pixels(size, coded, limits)?;
    let (has_alpha, decoder) = alpha_of(video, capabilities);
    let (color, conversion) = colors_of(video, size, capabilities)?;
    let converted = conversion.map(|conversion| Note::new(NoteCode::ColorConverted, conversion.message()));
    let header_rates = [&video.r_frame_rate, &video.avg_frame_rate].into_iter().filter_map(|rate| rate.parse().ok());
    let rates = header_rates.flat_map(|rate| usual_rate_near(rate).into_iter().chain([rate])).collect::<Vec<_>>();
    let info = MediaInfo {
        container,
        stream: video.index,
        codec: printable(&video.codec_name),
        decoder,
        pixel_format: printable(&video.pix_fmt),
        size,
        size_changes: None,
        field_order: FieldOrder::TopFirst,
        is_deinterlaced: false,
        frame_rate: rates.first().copied().unwrap_or(DEFAULT_RATE),
        has_variable_rate: false,
        frames: 0,
        keyframes: 0,
        duration: Duration::ZERO,
        video_start_secs: 0.0,
        rotation_degrees,
        has_alpha,
        subsampling: subsampling_of(&video.pix_fmt),
        color,
        conversion,
        audio: output.streams.iter().find(|stream| stream.codec_type == "audio").and_then(audio_of),
        notes: converted.into_iter().collect(),
    };
    Ok(HeaderInfo { info, header_frame_count: video.nb_frames.parse().ok(), rates, video: video.clone() })
}

/// Rate of a clip that states none, such as a single frame: the common rate of European television.
const DEFAULT_RATE: FrameRate = match FrameRate::new(25, 1) {
    Some(rate) => rate,
    None => unreachable!(),
};

/// ffprobe's name for the key information of an encrypted packet. The codec tag of such a stream is
/// that of the unencrypted video.
const ENCRYPTED: &str = "Encryption info";

/// The reason why ffprobe could not parse a clip, taken from the tail of its standard error.
pub(crate) fn diagnose(stderr_tail: &str, limits: &MediaLimits) -> MediaError {
    if let Some((_, rest)) = stderr_tail.split_once("Codec (")
        && let Some((codec, _)) = rest.split_once(") not on whitelist")
    {
        return MediaError::UnsupportedCodec { codec: printable(codec) };
    }
    if stderr_tail.contains("exceeds specified max pixel count") || stderr_tail.contains("Frame size") {
        return too_large("a larger frame", limits);
    }
    MediaError::Damaged
}

fn check_pixels(size: Size, coded: Size, limits: &MediaLimits) -> Result<(), MediaError> {
    if size.pixels().max(coded.pixels()) > limits.max_pixels {
        return Err(too_large(&format!("{size} pixels"), limits));
    }
    Ok(())
}

fn too_large(found: &str, limits: &MediaLimits) -> MediaError {
    MediaError::OverLimit {
        found: found.to_owned(),
        limit: format!("{} million pixels", limits.max_pixels / 1_000_000),
    }
}

/// Counts the frames of the packet list and determines rate and duration from it.
pub(crate) fn apply_packets(headers: &mut HeaderInfo, packets: &[u8], limits: &MediaLimits) -> Result<(), Error> {
    let info = &mut headers.info;
    let (mut starts, mut frames, mut hidden, mut slots) = (Vec::new(), 0_u64, 0_u64, 0_u64);
    for line in packets.split(|&byte| byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
        let mut fields = line.trim().split(',');
        let mut next = || fields.next();
        let (Some(stream), Some(shown), Some(slot), Some(decoded), Some(flags)) =
            (next(), next(), next(), next(), next())
        else {
            continue;
        };
        if stream.parse() != Ok(info.stream) {
            continue;
        }
        let mut start = shown;
        if info.container == Container::Avi {
            // AVI frames lie in slots of equal length and have no other time. An empty slot repeats
            // the previous frame; the header counts it, but it has no packet.
            slots = slots.max(slot.parse::<u64>().unwrap_or(0).saturating_add(1));
            start = decoded;
        }
        if fields.any(|side_data| side_data == ENCRYPTED) {
            return Err(MediaError::Encrypted.into());
        }
        // Hidden by an edit list: the header counts the frame, but players do not show it.
        if flags.contains('D') {
            hidden += 1;
            continue;
        }
        frames += 1;
        info.keyframes += u64::from(flags.starts_with('K'));
        starts.extend(start.parse::<f64>().ok().filter(|start| start.is_finite()));
    }
    if frames == 0 || headers.header_frame_count.is_some_and(|count| slots.max(frames + hidden) < count) {
        return Err(MediaError::Damaged.into());
    }
    info.frames = frames;
    starts.sort_by(f64::total_cmp);
    info.video_start_secs = starts.first().copied().unwrap_or(0.0);
    let fits = |rate: &&FrameRate| starts.len() as u64 == frames && is_constant(&starts, **rate);
    if let Some(rate) = headers.rates.iter().find(fits) {
        info.frame_rate = *rate;
    } else if starts.len() as u64 == frames && frames > 1 {
        info.has_variable_rate = true;
        info.frame_rate = nearest_constant_rate(&headers.rates, &starts);
    }
    let span = starts.last().copied().unwrap_or(0.0) - info.video_start_secs;
    let span_with_last_frame = Duration::try_from_secs_f64(span).unwrap_or_default() + info.frame_rate.start_of(1);
    info.duration = if info.has_variable_rate { span_with_last_frame } else { info.frame_rate.start_of(frames) };
    check_limits(info, limits)
}

fn check_limits(info: &MediaInfo, limits: &MediaLimits) -> Result<(), Error> {
    if info.duration > limits.max_duration {
        let secs = |time: Duration| format!("{} s", time.as_secs());
        return Err(over_limit(secs(info.duration), secs(limits.max_duration)));
    }
    if info.frames > limits.max_frames {
        return Err(over_limit(format!("{} frames", info.frames), format!("{} frames", limits.max_frames)));
    }
    Ok(())
}

fn over_limit(found: String, limit: String) -> Error {
    MediaError::OverLimit { found, limit }.into()
}

/// Whether frame i starts within half a frame of i / rate for every i, so that no frame is repeated
/// or dropped.
fn is_constant(starts: &[f64], rate: FrameRate) -> bool {
    let Some(first) = starts.first() else { return false };
    let frame = 1.0 / rate.per_second();
    starts.iter().enumerate().all(|(index, start)| (start - first - index as f64 * frame).abs() < frame / 2.0)
}

/// The rates of cameras, films and screens, as (frames, seconds).
const USUAL_RATES: [(u32, u32); 10] =
    [(10, 1), (12, 1), (15, 1), (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60, 1)];

/// The usual rate that a container with coarse timestamps approximates: 24 is stored as 23.998 in
/// units of a hundred-thousandth of a second. The frame times decide whether it applies.
fn usual_rate_near(rate: FrameRate) -> Option<FrameRate> {
    let is_near = |usual: &FrameRate| (usual.per_second() / rate.per_second() - 1.0).abs() < 3e-4;
    USUAL_RATES.into_iter().filter_map(|(frames, seconds)| FrameRate::new(frames, seconds)).find(is_near)
}

/// The container's base rate if it is plausible, else the usual rate nearest to the average.
fn nearest_constant_rate(rates: &[FrameRate], starts: &[f64]) -> FrameRate {
    if let Some(base) = rates.first().filter(|rate| (1.0..=60.0).contains(&rate.per_second())) {
        return *base;
    }
    let span = starts.last().unwrap_or(&0.0) - starts.first().unwrap_or(&0.0);
    let average = (starts.len() - 1) as f64 / span.max(f64::EPSILON);
    let usual = USUAL_RATES.into_iter().filter_map(|(frames, seconds)| FrameRate::new(frames, seconds));
    let distance = |rate: &FrameRate| (rate.per_second() - average).abs();
    usual.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(DEFAULT_RATE)
}

/// `coded` scaled to square pixels (in width, as players do) and rotated.
fn display_size(coded: Size, aspect: &str, rotation_degrees: i32) -> Option<Size> {
    let ratio = aspect.split_once(':').and_then(|(w, h)| Some((w.parse::<u64>().ok()?, h.parse::<u64>().ok()?)));
    let width = match ratio {
        Some((w, h)) if w > 0 && h > 0 && w <= h * 8 && h <= w * 8 => (u64::from(coded.width()) * w + h / 2) / h,
        _ => u64::from(coded.width()),
    };
    let upright = Size::new(u32::try_from(width.max(1)).ok()?, coded.height())?;
    if matches!(rotation_degrees, 90 | 270) { Size::new(upright.height(), upright.width()) } else { Some(upright) }
}

/// ffprobe's counterclockwise angle as a clockwise one. An angle within a degree of a quarter turn
/// counts as that quarter turn, as in ffmpeg.
fn clockwise(rotation: f64) -> i32 {
    let turn = (-rotation).round().rem_euclid(360.0) as i32;
    let quarter = (turn + 45) / 90 * 90;
    if turn.abs_diff(quarter) <= 1 { quarter % 360 } else { turn }
}

/// Whether frames carry alpha, and the decoder that keeps it. ffmpeg's native VP8 and VP9 decoders
/// drop the alpha layer.
fn alpha_of(video: &Stream, capabilities: &Capabilities) -> (bool, Option<&'static str>) {
    let layered = video.tags.alpha_mode == "1";
    let library = match video.codec_name.as_str() {
        "vp9" if layered => Some("libvpx-vp9"),
        "vp8" if layered => Some("libvpx"),
        _ => None,
    };
    if let Some(library) = library.filter(|library| capabilities.decodes(library)) {
        return (true, Some(library));
    }
    let names = ["yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8"];
    (names.iter().any(|name| video.pix_fmt.starts_with(name)), None)
}

fn subsampling_of(pixel_format: &str) -> Subsampling {
    let halved = ["yuv420", "yuvj420", "yuva420", "nv12", "nv21", "p010", "p016", "gray"];
    if halved.iter().any(|name| pixel_format.starts_with(name)) { Subsampling::Half } else { Subsampling::Full }
}

/// The tags of the decoded frames, and the conversion to them if the clip needs one.
fn colors_of(
    video: &Stream,
    size: Size,
    capabilities: &Capabilities,
) -> Result<(ColorTags, Option<ColorConversion>), MediaError> {
    // Without a compatible base layer, the picture is in a color space of Dolby's own.
    let is_own = |data: &&SideData| {
        data.dv_profile == 5 || matches!(data.dv_profile, 10 | 20) && data.dv_bl_signal_compatibility_id == 0
    };
    if let Some(data) = video.side_data_list.iter().find(is_own) {
        return Err(MediaError::DolbyVision { profile: data.dv_profile });
    }
    let stated = StatedColors {
        primaries: &video.color_primaries,
        transfer: &video.color_transfer,
        matrix: &video.color_space,
        range: &video.color_range,
        pixel_format: &video.pix_fmt,
        codec: &video.codec_name,
        height: size.height(),
    };
    let settled = stated.settle().map_err(|unknown| MediaError::UnsupportedColors { colors: printable(unknown.0) })?;
    match settled.1 {
        Some(conversion) if !capabilities.has_zscale() => {
            Err(MediaError::NoColorConversion { colors: conversion.source() })
        }
        _ => Ok(settled),
    }
}

fn audio_of(stream: &Stream) -> Option<AudioTrack> {
    let is_supported = argv::decodes_audio(&stream.codec_name) && stream.channels > 0;
    is_supported.then(|| AudioTrack {
        stream: stream.index,
        codec: printable(&stream.codec_name),
        channels: stream.channels,
        sample_rate: stream.sample_rate.parse().unwrap_or(48_000),
    })
}

/// A name from an untrusted file, safe to print: at most 32 letters, digits, `_` and `-`.
fn printable(name: &str) -> String {
    let shown: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).take(32).collect();
    if shown.is_empty() { "an unknown codec".to_owned() } else { shown }
}

#[cfg(test)]
mod tests;
