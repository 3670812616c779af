//! The options of `clearcut cut`, and the request that is made from them.

#![allow(clippy::doc_markdown, reason = "the help of the command line is no Markdown")]

use std::{path::PathBuf, str::FromStr};

use clap::Args;
use clearcut_job::{
    Crop, CutRequest, DeinterlaceChoice, EdgeColor, Formats, FpsChoice, Hint, Hints, KeyColorChoice, LongestSide,
    LoopChoice, MethodChoice, OutputFormat, Quality, RequestError, ShadowChoice, Speed, Tempo, Tolerance, Trim,
};

use crate::{
    background::BackgroundOption,
    bounds_options::BoundsOptions,
    color::{edge_color, key_color},
    failure::Failure,
    limit_options::LimitOptions,
    outputs::IMAGE_EXTENSION,
};

/// Headings of the options that are not needed every day.
const SUBJECT: &str = "Finding the subject";
const ENCODING: &str = "Encoding";

/// Why an edge color has no effect beside a background.
const EDGES_OVER_BACKGROUND: &str = "a gif over a background is solid";

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct CutOptions {
    /// Clips and images, folders of them, patterns such as '*.mp4', or - for standard input. Clips are
    /// MP4, MOV, WebM, MKV, AVI, MPEG-TS, WMV, FLV, MXF, GIF, animated PNG, WebP and AVIF, or a ZIP of
    /// numbered images; images are JPEG, PNG, WebP, AVIF and HEIC
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,

    /// Output file or folder, or - for standard output. The extension of a file decides the format; a
    /// folder that ends with a slash is created. For a GIF or another animation, FILE.png gets its first
    /// frame [default: NAME-cut.webm beside the clip, NAME-cut.png beside the image]
    #[arg(short, long, value_name = "FILE-OR-DIR")]
    pub(crate) output: Option<PathBuf>,

    #[arg(
        short, long, value_name = "LIST", value_parser = parse::<Formats>,
        help = format!(
            "Output formats, separated by commas: {} [default: by the name given with -o, else webm; with a background mp4]",
            OutputFormat::NAMES
        )
    )]
    pub(crate) formats: Option<Formats>,

    /// How to find the subject: auto (by color if the background is flat, else by a neural model),
    /// chroma or ai
    #[arg(long, help_heading = SUBJECT, default_value = "auto", value_name = "METHOD", value_parser = parse::<MethodChoice>)]
    pub(crate) method: MethodChoice,

    /// Color of the background to remove: auto (measured), #RRGGBB, R,G,B or a color of CSS, such as lime
    #[arg(long, help_heading = SUBJECT, default_value = "auto", value_name = "COLOR", value_parser = key_color)]
    pub(crate) key: KeyColorChoice,

    /// How far a color may differ from the background color and still be removed, 0-100: a lower
    /// value keeps more of the subject
    #[arg(long, help_heading = SUBJECT, default_value = "30", value_name = "0-100", value_parser = parse::<Tolerance>, allow_negative_numbers = true)]
    pub(crate) tolerance: Tolerance,

    /// Shadows that the subject casts on the background: keep (as translucent black) or drop
    #[arg(long, help_heading = SUBJECT, default_value = "keep", value_name = "SHADOW", value_parser = parse::<ShadowChoice>)]
    pub(crate) shadow: ShadowChoice,

    /// Whether to de-interlace: auto (if the clip is measured or flagged as interlaced), on or off
    #[arg(long, help_heading = ENCODING, default_value = "auto", value_name = "WHEN", value_parser = parse::<DeinterlaceChoice>)]
    pub(crate) deinterlace: DeinterlaceChoice,

    /// Region that is subject (keep) or background (remove) whatever its color, as keep@SECONDS,X,Y
    /// or remove@SECONDS,X,Y with X and Y as shares of the frame from 0 to 1; with ,WIDTH,HEIGHT a
    /// box. Followed through the clip. May be given up to 32 times
    #[arg(long = "hint", help_heading = SUBJECT, value_name = "HINT", value_parser = parse::<Hint>)]
    pub(crate) hints: Vec<Hint>,

    /// Cut only this part of the clip: START,END in seconds or hh:mm:ss.mmm; either may be left out
    #[arg(long, value_name = "START,END", value_parser = parse::<Trim>, allow_hyphen_values = true)]
    pub(crate) trim: Option<Trim>,

    /// How much faster than the clip the outputs play, 0.25-4; the sound follows with its pitch. Slower, each
    /// frame is shown once, for longer, unless --fps is given
    #[arg(long, default_value = "1", value_name = "FACTOR", value_parser = parse::<Tempo>, allow_negative_numbers = true)]
    pub(crate) tempo: Tempo,

    /// How the outputs loop: boomerang (forth and back, without sound) or seamless (the part whose end leads
    /// back to its beginning best) [default: as the clip goes]
    #[arg(long = "loop", value_name = "LOOP", value_parser = parse::<LoopChoice>)]
    pub(crate) looped: Option<LoopChoice>,

    /// Part of the frame that is cut: X,Y,WIDTH,HEIGHT in pixels of the clip, all even; a shape such as
    /// 16:9, the largest around the middle; auto, the subject of all frames with a margin; or auto:16:9, the
    /// smallest of that shape around it [default: all of the frame]
    #[arg(long, value_name = "RECT-OR-SHAPE", value_parser = parse::<Crop>, allow_hyphen_values = true)]
    pub(crate) crop: Option<Crop>,

    /// What to put behind the subject: a color such as white or #RRGGBB, an image, a video (repeated if
    /// it is shorter), or blur (the clip itself, blurred). The default format is then mp4 [default:
    /// nothing: the output is transparent]
    #[arg(long, value_name = "COLOR-FILE-OR-BLUR", value_parser = parse::<BackgroundOption>)]
    pub(crate) background: Option<BackgroundOption>,

    /// Frame rate: source, 1-60, 23.976, 29.97 or 59.94 frames per second
    #[arg(long, default_value = "source", value_name = "N", value_parser = parse::<FpsChoice>, allow_negative_numbers = true)]
    pub(crate) fps: FpsChoice,

    /// Longer side of the output in pixels, 64-2048 [default: as the source]
    #[arg(long, value_name = "PX", value_parser = parse::<LongestSide>, allow_negative_numbers = true)]
    pub(crate) size: Option<LongestSide>,

    #[command(flatten)]
    pub(crate) bounds: BoundsOptions,

    #[command(flatten)]
    pub(crate) limit: LimitOptions,

    /// Image quality of webp, apng and gif, 0-100; 100 is lossless, but for the palette of a gif
    #[arg(long, help_heading = ENCODING, default_value = "60", value_name = "0-100", value_parser = parse::<Quality>, allow_negative_numbers = true)]
    pub(crate) quality: Quality,

    /// Color of the page that a gif is made for, such as white or #RRGGBB: the soft edges of the subject are
    /// mixed with it [default: none, each pixel is the subject or clear]
    #[arg(long, help_heading = ENCODING, value_name = "COLOR", value_parser = edge_color)]
    pub(crate) edge_color: Option<EdgeColor>,

    /// Encoding speed of webm, stacked-alpha, hevc-alpha and mp4: best (smaller files, slower), balanced or fast
    #[arg(long, help_heading = ENCODING, default_value = "balanced", value_name = "SPEED", value_parser = parse::<Speed>)]
    pub(crate) speed: Speed,

    /// Write no sound
    #[arg(long)]
    pub(crate) no_audio: bool,

    /// Replace files that exist
    #[arg(long)]
    pub(crate) force: bool,

    /// Continue with the next input when one fails
    #[arg(long)]
    pub(crate) keep_going: bool,

    /// Print progress, results and errors as JSON, one object per line
    #[arg(long)]
    pub(crate) json: bool,

    /// Print only errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl CutOptions {
    /// Whether `-o` names a PNG and no formats are asked for: of an animated image, that is its
    /// first frame.
    pub(crate) fn asks_for_still(&self) -> bool {
        let is_file = self.output.as_deref().is_some_and(|path| !path.is_dir());
        let is_png = self.output_extension().is_some_and(|name| name.eq_ignore_ascii_case(IMAGE_EXTENSION));
        self.formats.is_none() && is_file && is_png
    }

    /// Options that have no effect on a clip in these formats, with the reason. One that is given with
    /// its default counts as not given.
    pub(crate) fn without_effect(&self, formats: &Formats) -> Vec<(&'static str, &'static str)> {
        let any = |applies: fn(OutputFormat) -> bool| formats.iter().any(applies);
        let has_quality = any(OutputFormat::has_quality);
        let has_speed = any(|format| {
            matches!(
                format,
                OutputFormat::Webm | OutputFormat::StackedAlpha | OutputFormat::Mp4 | OutputFormat::HevcAlpha
            )
        });
        let has_sound = any(OutputFormat::carries_audio);
        let has_gif = any(|format| format == OutputFormat::Gif);
        let cases = [
            (self.quality != Quality::default() && !has_quality, "--quality", "only webp, apng and gif have a quality"),
            (
                self.speed != Speed::default() && !has_speed,
                "--speed",
                "only webm, stacked-alpha, hevc-alpha and mp4 have a speed",
            ),
            (self.edge_color.is_some() && !has_gif, "--edge-color", "only gif has edges without soft pixels"),
            (self.edge_color.is_some() && self.background.is_some(), "--edge-color", EDGES_OVER_BACKGROUND),
            (self.no_audio && !has_sound, "--no-audio", "no format of the request carries sound"),
        ];
        cases.into_iter().filter(|(is_unused, ..)| *is_unused).map(|(_, name, reason)| (name, reason)).collect()
    }

    fn output_extension(&self) -> Option<&str> {
        self.output.as_deref()?.extension()?.to_str()
    }

    /// The format that the output's name asks for.
    fn format_of_output(&self) -> Option<OutputFormat> {
        OutputFormat::from_extension(self.output_extension()?, self.background.is_some())
    }

    /// Cut request of these options, or a usage failure if options contradict each other.
    pub(crate) fn request(&self) -> Result<CutRequest, Failure> {
        // A neural model has no use for a key color.
        if self.method == MethodChoice::Ai && self.key != KeyColorChoice::Auto {
            let message = "--method ai and --key cannot be combined".to_owned();
            return Err(Failure::usage(message, "Leave out one of them: a key color needs --method chroma."));
        }
        let hints = Hints::try_from(self.hints.clone()).map_err(|_| {
            let message = format!("--hint is given {} times", self.hints.len());
            Failure::usage(message, "Give it up to 32 times.")
        })?;
        let named_format = self.format_of_output();
        let usual_format = if self.background.is_some() { OutputFormat::Mp4 } else { OutputFormat::Webm };
        let request = CutRequest {
            preset: None,
            max_bytes: None,
            formats: self.formats.clone().unwrap_or_else(|| named_format.unwrap_or(usual_format).into()),
            method: self.method,
            key_color: self.key,
            tolerance: self.tolerance,
            shadow: self.shadow,
            hints,
            deinterlace: self.deinterlace,
            trim: self.trim,
            tempo: self.tempo,
            looped: self.looped,
            crop: self.crop,
            background: self.background.as_ref().map(BackgroundOption::backdrop),
            fps: self.fps,
            size: self.size,
            bounds: self.bounds.bounds().map_err(|error| contradiction(&error))?,
            edge_color: self.edge_color,
            quality: self.quality,
            speed: self.speed,
            keeps_audio: !self.no_audio,
        };
        let asked = self.formats.clone().or_else(|| named_format.map(Formats::from));
        let request = self.limit.applied_to(request, asked.as_ref()).map_err(|error| contradiction(&error))?;
        if self.background.is_none() && asked.iter().flat_map(Formats::iter).any(OutputFormat::needs_background) {
            return Err(needs_background());
        }
        request.check().map_err(|error| contradiction(&error))?;
        Ok(request)
    }
}

/// The question behind `-f mp4`: which of two files is meant.
fn needs_background() -> Failure {
    Failure::usage(
        "mp4 has no transparency: what should be behind the subject?".to_owned(),
        "For a color or a picture, add --background, such as --background white. For a transparent video on a \
         page, as H.264 with the matte below the picture, use -f stacked-alpha.",
    )
}

fn contradiction(error: &RequestError) -> Failure {
    Failure::usage(error.to_string(), "Leave one of the options out, or change it.")
}

fn parse<T: FromStr<Err = RequestError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: RequestError| format!("allowed: {}", error.allowed()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clearcut_job::Preset;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: CutOptions,
    }

    #[test]
    fn every_flag_of_a_cut_reaches_its_request() {
        let request = |line: &str| {
            let line = Line::parse_from(["cut", "a.mp4"].into_iter().chain(line.split(' ')));
            line.options.request().unwrap()
        };
        let flags = "-f webp --method chroma --key #00ff00 --tolerance 5 --shadow drop --hint keep@1,0.5,0.5 \
                     --deinterlace on --trim 0:00.5,2 --tempo 0.5 --loop boomerang --crop 2,4,40,30 --background #ff8800 \
                     --fps 12 --size 480 --max-bytes 30KB --edge-color white --quality 90 --speed fast --no-audio";
        let expected = CutRequest {
            preset: None,
            max_bytes: Some("30000".parse().unwrap()),
            formats: OutputFormat::Webp.into(),
            method: MethodChoice::Chroma,
            key_color: "#00ff00".parse().unwrap(),
            tolerance: "5".parse().unwrap(),
            shadow: ShadowChoice::Drop,
            hints: Hints::try_from(vec!["keep@1,0.5,0.5".parse::<Hint>().unwrap()]).unwrap(),
            deinterlace: DeinterlaceChoice::On,
            trim: Some("0.5,2".parse().unwrap()),
            tempo: "0.5".parse().unwrap(),
            looped: Some(LoopChoice::Boomerang),
            crop: Some("2,4,40,30".parse().unwrap()),
            background: Some("#ff8800".parse().unwrap()),
            fps: FpsChoice::Fixed(12),
            size: Some("480".parse().unwrap()),
            bounds: None,
            edge_color: Some("#ffffff".parse().unwrap()),
            quality: "90".parse().unwrap(),
            speed: Speed::Fast,
            keeps_audio: false,
        };
        assert_eq!(request(flags), expected);
        assert_eq!(request("--width 90 --height 80 --fit cover").bounds.unwrap().shape(), Some((90, 80)));
        let sticker = request("--preset telegram-sticker -o a.webm --max-bytes 200KB");
        assert_eq!((sticker.preset, sticker.keeps_audio), (Some(Preset::TelegramSticker), false));
        assert_eq!(request("--quiet"), CutRequest::new(OutputFormat::Webm));
    }

    #[test]
    fn the_output_name_selects_the_format_unless_formats_are_given() {
        let format = |options: &[&str]| {
            let line = Line::parse_from([&["cut", "a.mp4"], options].concat());
            line.options.request().unwrap().formats.first()
        };
        assert_eq!(format(&[]), OutputFormat::Webm);
        assert_eq!(format(&["-o", "x.MOV"]), OutputFormat::Mov);
        assert_eq!(format(&["-o", "x.png"]), OutputFormat::Apng);
        assert_eq!(format(&["-o", "x.mp4"]), OutputFormat::StackedAlpha);
        assert_eq!(format(&["-o", "x.mov", "-f", "webp"]), OutputFormat::Webp);
        assert_eq!(format(&["-o", "folder"]), OutputFormat::Webm);
        assert_eq!(format(&["--background", "blur"]), OutputFormat::Mp4);
        assert_eq!(format(&["--background", "blur", "-o", "x.mp4"]), OutputFormat::Mp4);
        assert_eq!(format(&["--background", "beach.jpg", "-o", "x.webm"]), OutputFormat::Webm);
    }
}
