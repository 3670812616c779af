//! Parser of ffprobe's output into [`MediaInfo`].

use std::time::Duration;

use clearcut_frame::{FrameRate, Size, Subsampling};
use clearcut_job::{Note, NoteCode};
use serde::Deserialize;

use crate::{
    AlphaStream, Capabilities, ColorConversion, ColorTags, Container, Error, MediaError, MediaInfo, MediaLimits,
    auxiliary::AlphaTrack,
    color::StatedColors,
    interlace::{FieldOrder, Fields},
    keyframe_sizes::KeyframeSizes,
    rates::{DEFAULT_RATE, usual_rate_near},
    timeline::{Packets, Timeline},
    tracks::{self, printable},
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
    codec_name: String,
    width: u32,
    height: u32,
    pix_fmt: String,
    sample_aspect_ratio: String,
    r_frame_rate: String,
    avg_frame_rate: String,
    nb_frames: String,
    has_b_frames: u32,
    start_time: String,
    duration: String,
    field_order: String,
    color_range: String,
    color_space: String,
    color_transfer: String,
    color_primaries: String,
    tags: Tags,
    side_data_list: Vec<SideData>,
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
    /// Number of frames that the header states.
    pub(crate) frame_count: Option<u64>,
    rates: Vec<FrameRate>,
    video: Stream,
}

impl HeaderInfo {
    pub(crate) fn info(self) -> MediaInfo {
        self.info
    }

    /// Takes the alpha from a stream of its own.
    pub(crate) fn set_alpha_stream(&mut self, alpha: AlphaStream) {
        self.info.alpha_stream = Some(alpha);
        self.info.has_alpha = true;
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
    alpha_tracks: &[AlphaTrack],
    limits: &MediaLimits,
    capabilities: &Capabilities,
) -> Result<HeaderInfo, Error> {
    let output: FfprobeOutput = serde_json::from_slice(json).map_err(|_| MediaError::Damaged)?;
    if output.streams.len() > limits.max_streams {
        return Err(over_limit(format!("{} streams", output.streams.len()), format!("{} streams", limits.max_streams)));
    }
    let choice = tracks::choose(&tracks::parse(json, alpha_tracks)?, capabilities)?;
    let video = output.streams.get(choice.video).ok_or(MediaError::Damaged)?;
    let coded = Size::new(video.width, video.height).ok_or(MediaError::Damaged)?;
    let rotation = video.side_data_list.iter().map(|data| data.rotation).find(|turn| *turn != 0.0).unwrap_or(0.0);
    let rotation_degrees = clockwise(rotation);
    let size = display_size(coded, &video.sample_aspect_ratio, rotation_degrees).ok_or(MediaError::Damaged)?;
    check_pixels(size, coded, limits)?;
    let (has_alpha, decoder) = alpha_of(video, capabilities);
    let (color, conversion) = colors_of(video, size, capabilities)?;
    let converted = conversion.map(|conversion| Note::new(NoteCode::ColorConverted, conversion.message()));
    let [base, average] = [&video.r_frame_rate, &video.avg_frame_rate].map(|rate| rate.parse().ok());
    let near = |rate: Option<FrameRate>| rate.and_then(usual_rate_near);
    let rates: Vec<_> = [near(base), base, near(average), average.or(base)].into_iter().flatten().collect();
    let info = MediaInfo {
        container,
        stream: video.index,
        codec: printable(&video.codec_name),
        decoder,
        pixel_format: printable(&video.pix_fmt),
        size,
        crop: None,
        size_changes: None,
        field_order: FieldOrder::TopFirst,
        is_deinterlaced: false,
        frame_rate: rates.first().copied().unwrap_or(DEFAULT_RATE),
        has_variable_rate: false,
        frames: 0,
        keyframes: 0,
        keyframe_points: Vec::new(),
        duration: Duration::ZERO,
        last_frame_start: Duration::ZERO,
        lacks_presentation_times: container == Container::Avi && video.has_b_frames > 0,
        video_start_secs: 0.0,
        rotation_degrees,
        has_alpha,
        alpha_stream: None,
        subsampling: subsampling_of(&video.pix_fmt),
        color,
        conversion,
        audio: choice.audio,
        notes: choice.notes.into_iter().chain(converted).collect(),
    };
    Ok(HeaderInfo { info, frame_count: video.nb_frames.parse().ok(), rates, video: video.clone() })
}

/// The reason why ffprobe could not parse a clip, taken from the tail of its standard error.
pub(crate) fn diagnose(stderr_tail: &str, limits: &MediaLimits) -> MediaError {
    if stderr_tail.contains("exceeds specified max pixel count") || stderr_tail.contains("Frame size") {
        return too_large("a larger frame", limits);
    }
    let unopenable = unopenable_track(stderr_tail);
    unopenable.map_or(MediaError::Damaged, |index| MediaError::UnopenableTrack { track: index + 1 })
}

/// The index of the track whose decoder ffprobe could not open.
pub(crate) fn unopenable_track(stderr_tail: &str) -> Option<usize> {
    let (_, rest) = stderr_tail.rsplit_once("Could not open codec for input stream ")?;
    rest.lines().next()?.trim().parse().ok().filter(|index: &usize| *index < 1000)
}

/// Time at which a track of an MP4, MOV or AVI ends, by its header. Durations of packets are distances between decoding
/// times, so of reordered frames they do not tell how long the last one is shown.
fn end_secs(container: Container, video: &Stream) -> Option<f64> {
    if !matches!(container, Container::Mov | Container::Avi) {
        return None;
    }
    let seconds = |text: &str| text.parse::<f64>().ok().filter(|secs| secs.is_finite());
    Some(seconds(&video.start_time)? + seconds(&video.duration)?)
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

/// Completes the properties with the timeline of `packets`, and checks them against `limits`.
pub(crate) fn apply_packets(headers: &mut HeaderInfo, packets: &Packets, limits: &MediaLimits) -> Result<(), Error> {
    if packets.frames() == 0 {
        return Err(MediaError::Damaged.into());
    }
    let info = &mut headers.info;
    info.frames = packets.frames();
    info.keyframes = packets.keyframes();
    let timeline = Timeline::new(packets, &headers.rates, end_secs(info.container, &headers.video));
    info.frame_rate = timeline.rate;
    info.has_variable_rate = !timeline.is_constant;
    info.keyframe_points = packets.keyframe_points(&timeline);
    info.duration = timeline.length;
    info.last_frame_start = timeline.last_frame_start;
    info.video_start_secs = timeline.start_secs;
    info.notes.extend(timeline.note());
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

#[cfg(test)]
mod tests;
