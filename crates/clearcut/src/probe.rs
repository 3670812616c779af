//! `clearcut probe`: prints the properties of a clip or image, as text or as JSON.

use std::fs::File;

use clearcut_ffmpeg::{ColorConversion, Container, Error, ImageConversion, MediaInfo, MediaLimits, Tools};
use clearcut_job::{ImageColors, ImageInfo};
use serde_json::json;

use crate::{
    arguments::ProbeOptions,
    console::{escape_line, print_out},
    failure::Failure,
    input::{is_image, open_input},
};

/// Runs `clearcut probe`.
pub(crate) fn run(tools: &Tools, options: &ProbeOptions) -> Result<(), Failure> {
    let file = open_input(&options.input)?;
    if is_image(&file).map_err(|failure| failure.for_clip(&options.input))? {
        let info = probe_image(tools, &file).map_err(|failure| failure.for_clip(&options.input))?;
        if options.json {
            print_out(image_as_json(&info));
        } else {
            print_out(image_as_text(&info));
        }
        return Ok(());
    }
    let info = probe_clip(tools, &file).map_err(|error| Failure::from(error).for_clip(&options.input))?;
    if options.json {
        print_out(as_json(&info));
    } else {
        print_out(as_text(&info).trim_end());
    }
    Ok(())
}

/// Probes the clip, unpacked if ffmpeg cannot read it.
pub(crate) fn probe_clip(tools: &Tools, file: &File) -> Result<MediaInfo, Error> {
    let limits = MediaLimits::default();
    let Some(unpacking) = tools.unpack(file, &std::env::temp_dir(), &limits)? else {
        return tools.probe(file, &limits)?.info(|_| ());
    };
    let container = unpacking.container();
    let info = tools.probe(&unpacking.finish(|| ())?, &limits)?.info(|_| ())?;
    let codec = if container == Container::Zip { "images" } else { container.demuxer() };
    Ok(MediaInfo { container, codec: codec.to_owned(), ..info })
}

/// Probes the image, converted if ffmpeg alone reads it.
pub(crate) fn probe_image(tools: &Tools, file: &File) -> Result<ImageInfo, Failure> {
    let limits = MediaLimits::default();
    let format = tools.still_format(file)?;
    let conversion = tools.convert_image(file, &std::env::temp_dir(), &limits)?;
    let png = conversion.map(ImageConversion::finish).transpose()?;
    let info = tools.inspect_image(png.as_ref().unwrap_or(file), &limits)?.info()?;
    Ok(ImageInfo { format, ..info })
}

fn image_as_json(info: &ImageInfo) -> serde_json::Value {
    json!({
        "format": info.format, "width": info.width, "height": info.height, "orientation": info.orientation,
        "bits": info.bits, "alpha": info.has_alpha, "colors": info.colors, "profile": info.profile,
    })
}

fn image_as_text(info: &ImageInfo) -> String {
    let mut notes = Vec::new();
    if info.has_alpha {
        notes.push("with transparent pixels".to_owned());
    }
    if info.orientation != 1 {
        notes.push(format!("turned upright from orientation {}", info.orientation));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    let name = info.profile.as_deref().map_or("unnamed".to_owned(), escape_line);
    let colors = match info.colors {
        ImageColors::Srgb => "sRGB".to_owned(),
        ImageColors::Profile => format!("profile {name}, converted to sRGB"),
        ImageColors::Gamma => "a stated gamma, converted to sRGB".to_owned(),
        ImageColors::Cmyk => "CMYK without a usable profile, converted to sRGB".to_owned(),
        ImageColors::UnusableProfile => "sRGB, because the profile cannot be used".to_owned(),
    };
    format!("image    {}×{} {}, {} bits{notes}\ncolors   {colors}", info.width, info.height, info.format, info.bits)
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
    let frames = if info.frames == 1 { "1 frame".to_owned() } else { format!("{} frames", info.frames) };
    let mut text = format!(
        "video    {} {} in {}, {}{notes}\nrate     {rate}{} ({:.3} frames/s)\nlength   {}, {:.3} s\nsound    {audio}\n",
        info.size,
        info.codec,
        info.container.demuxer(),
        info.pixel_format,
        info.frame_rate,
        info.frame_rate.per_second(),
        frames,
        info.duration.as_secs_f64(),
    );
    for note in &info.notes {
        text += &format!("note     {}\n", note.message);
    }
    text
}
