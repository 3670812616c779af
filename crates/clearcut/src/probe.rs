//! `clearcut probe`: prints the properties of a clip, as text or as JSON.

use std::fs::File;

use clearcut_ffmpeg::{ColorConversion, Container, Error, MediaInfo, MediaLimits, Tools};
use serde_json::json;

use crate::{
    arguments::ProbeOptions,
    console::print_out,
    failure::Failure,
    input::{is_image, open_input},
};

/// Runs `clearcut probe`.
pub(crate) fn run(tools: &Tools, options: &ProbeOptions) -> Result<(), Failure> {
    let file = open_input(&options.input)?;
    let info = probe_clip(tools, &file).map_err(|error| Failure::from(error).for_clip(&options.input))?;
    if options.json {
        print_out(as_json(&info));
    } else {
        print_out(as_text(&info).trim_end());
    }
    Ok(())
}

/// Probes the clip, unpacked if ffmpeg cannot read it.
fn probe_clip(tools: &Tools, file: &File) -> Result<MediaInfo, Error> {
    let limits = MediaLimits::default();
    let Some(unpacking) = tools.unpack(file, &std::env::temp_dir(), &limits)? else {
        return tools.probe(file, &limits)?.info(|_| ());
    };
    let container = unpacking.container();
    let info = tools.probe(&unpacking.finish(|| ())?, &limits)?.info(|_| ())?;
    let codec = if container == Container::Zip { "images" } else { container.demuxer() };
    Ok(MediaInfo { container, codec: codec.to_owned(), ..info })
}

fn as_json(info: &MediaInfo) -> serde_json::Value {
    let audio = info
        .audio
        .as_ref()
        .map(|audio| json!({"codec": audio.codec, "channels": audio.channels, "sampleRate": audio.sample_rate}));
    json!({
        "container": info.container.demuxer(), "codec": info.codec, "pixelFormat": info.pixel_format,
        "width": info.size.width(), "height": info.size.height(), "fps": info.frame_rate.to_string(),
        "variableFrameRate": info.has_variable_rate, "frames": info.frames, "seconds": info.duration.as_secs_f64(),
        "rotation": info.rotation_degrees, "alpha": info.has_alpha, "matrix": format!("{:?}", info.matrix()).to_lowercase(),
        "toneMapped": info.conversion.is_some_and(ColorConversion::is_hdr), "audio": audio,
        "notes": info.notes.iter().map(|note| json!({"code": note.code.name(), "message": note.message})).collect::<Vec<_>>(),
    })
}

fn as_text(info: &MediaInfo) -> String {
    let audio = info.audio.as_ref().map_or("none".to_owned(), |audio| {
        let channels = if audio.channels == 1 { "channel" } else { "channels" };
        format!("{}, {} {channels}, {} Hz", audio.codec, audio.channels, audio.sample_rate)
    });
    let rate = if info.has_variable_rate { "variable, converted to " } else { "" };
    let mut notes = Vec::new();
    if info.has_alpha {
        notes.push("with an alpha channel".to_owned());
    }
    if info.rotation_degrees != 0 {
        notes.push(format!("rotated by {}°", info.rotation_degrees));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    let mut text = format!(
        "video    {} {} in {}, {}{notes}\nrate     {rate}{} ({:.3} frames/s)\nlength   {} frames, {:.3} s\nsound    {audio}\n",
        info.size,
        info.codec,
        info.container.demuxer(),
        info.pixel_format,
        info.frame_rate,
        info.frame_rate.per_second(),
        info.frames,
        info.duration.as_secs_f64(),
    );
    for note in &info.notes {
        text += &format!("note     {}\n", note.message);
    }
    text
}
