//! Property test of time: random patterns of timestamps in every container, and what is on screen,
//! and heard, at random moments.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    fmt::Write as _,
    fs::File,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
};

use clearcut_ffmpeg::{
    Child, DecodePlan, ExcerptPlan, MediaInfo, MediaLimits, Retiming, SandboxPolicy, SearchPath, Tools, read_frame,
};
use clearcut_frame::{Frame, FrameRate, Size};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;
/// Luma of frame number 0, and the step from one frame to the next.
const LUMA: usize = 20;
const LUMA_STEP: usize = 5;
const MAX_FRAMES: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mp4,
    Mov,
    Mkv,
    Webm,
    Avi,
    Ts,
    Flv,
    Gif,
    Apng,
}

impl Kind {
    const ALL: [Self; 9] =
        [Self::Mp4, Self::Mov, Self::Mkv, Self::Webm, Self::Avi, Self::Ts, Self::Flv, Self::Gif, Self::Apng];

    fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Mkv => "mkv",
            Self::Webm => "webm",
            Self::Avi => "avi",
            Self::Ts => "ts",
            Self::Flv => "flv",
            Self::Gif => "gif",
            Self::Apng => "apng",
        }
    }

    /// Unit of the container's timestamps in milliseconds.
    fn unit_ms(self) -> u32 {
        match self {
            Self::Avi => 40,
            Self::Gif => 10,
            _ => 1,
        }
    }

    fn carries_sound(self) -> bool {
        !matches!(self, Self::Gif | Self::Apng)
    }

    /// Whether the file says how long its last frame is shown.
    fn holds_last(self) -> bool {
        matches!(self, Self::Mp4 | Self::Mov | Self::Gif | Self::Apng)
    }
}

/// A clip to draw.
#[derive(Debug, Clone)]
struct Clip {
    kind: Kind,
    /// Start of each frame in milliseconds; the first is 0.
    starts_ms: Vec<u32>,
    /// Time in milliseconds for which the last frame is shown, where the file can say so.
    last_ms: u32,
    /// Whether H.264 reorders frames.
    reorders: bool,
    /// Start of the first frame in the file in milliseconds.
    offset_ms: u32,
    /// Rate to convert to; `None` for that of the source.
    fps: Option<u32>,
}

impl Clip {
    /// End of the last frame in seconds, if the file says it.
    fn end(&self) -> Option<f64> {
        (self.kind.holds_last() && !self.reorders).then(|| self.last_start() + f64::from(self.last_ms) / 1000.0)
    }

    fn last_start(&self) -> f64 {
        f64::from(*self.starts_ms.last().unwrap()) / 1000.0
    }

    /// The frames that are on screen at some time from `from` to `to` seconds.
    fn shown_between(&self, from: f64, to: f64) -> std::ops::RangeInclusive<usize> {
        let shown_at =
            |time: f64| self.starts_ms.iter().rposition(|start| f64::from(*start) / 1000.0 <= time).unwrap_or(0);
        shown_at(from)..=shown_at(to)
    }

    /// Start of a beep in seconds: a little before the last frame.
    fn beep(&self) -> f64 {
        (self.last_start() - 0.15).max(0.05)
    }

    /// Draws the clip into `folder`.
    fn draw(&self, folder: &Path) -> File {
        let times = self.starts_ms.iter().enumerate().fold(String::new(), |mut sum, (index, start)| {
            let _ = write!(sum, "+eq(N\\,{index})*{start}");
            sum
        });
        let unit = self.kind.unit_ms();
        let mut line = format!(
            "-f lavfi -i color=s={WIDTH}x{HEIGHT}:r=25,trim=end_frame={},geq=lum={LUMA}+{LUMA_STEP}*N:cb=128:cr=128,settb=1/1000,setpts=0{times}",
            self.starts_ms.len()
        );
        if self.kind.carries_sound() {
            let (beep, length) = (self.beep(), self.last_start() + 0.5);
            let _ = write!(
                line,
                " -f lavfi -i aevalsrc=between(t\\,{beep}\\,{beep}+0.06)*0.5*sin(6283*t):s=48000:d={length}"
            );
        }
        let _ = write!(line, " -fps_mode passthrough -enc_time_base:v {unit}/1000");
        let frames = if self.reorders { 2 } else { 0 };
        let h264 = format!("-c:v libx264 -preset ultrafast -bf {frames} -crf 8 -g 12 -pix_fmt yuv420p");
        let hold = if self.reorders {
            String::new()
        } else {
            let last = self.starts_ms.len() - 1;
            format!("-bsf:v setts=duration=if(eq(N\\,{last})\\,{}/(1000*TB)\\,DURATION)", self.last_ms)
        };
        let offset = format!("-output_ts_offset {}", f64::from(self.offset_ms) / 1000.0);
        line += &match self.kind {
            Kind::Mp4 => format!(" {h264} {hold} -video_track_timescale 1000 -c:a aac {offset}"),
            Kind::Mov => format!(" {h264} {hold} -video_track_timescale 1000 -c:a pcm_s16le {offset}"),
            Kind::Mkv => format!(" {h264} -c:a flac {offset}"),
            Kind::Webm => format!(" -c:v libvpx -deadline realtime -cpu-used 8 -b:v 2M -crf 4 -c:a libopus {offset}"),
            Kind::Avi => format!(" {h264} -c:a pcm_s16le"),
            Kind::Ts => format!(" {h264} -c:a aac {offset}"),
            Kind::Flv => format!(" {h264} -c:a aac -ar 44100 {offset}"),
            Kind::Gif => format!(" -pix_fmt gray -final_delay {}", self.last_ms / 10),
            Kind::Apng => format!(" -pix_fmt gray -plays 0 -final_delay {}/1000", self.last_ms),
        };
        let path = folder.join(format!("clip.{}", self.kind.name()));
        let mut command = ffmpeg();
        command.args(line.split_whitespace()).arg(&path);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        File::open(path).unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "the test draws its clips")]
fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-nostdin"]).stdin(Stdio::null());
    command
}

/// Starts of frames in milliseconds, before they are rounded to the unit of a container.
fn pattern() -> impl Strategy<Value = Vec<u32>> {
    let steady =
        |count: usize, frame_ms: f64| (0..count).map(|index| (index as f64 * frame_ms).round() as u32).collect();
    let frame_ms =
        prop::sample::select(vec![1000.0 / 24.0, 40.0, 1001.0 / 30.0, 1000.0 / 30.0, 20.0, 1000.0 / 60.0, 100.0]);
    let count = 2..MAX_FRAMES;
    let cumulated = |gaps: Vec<u32>| {
        let mut starts = vec![0];
        starts.extend(gaps.iter().scan(0, |sum, gap| {
            *sum += gap;
            Some(*sum)
        }));
        starts
    };
    prop_oneof![
        (count.clone(), frame_ms.clone()).prop_map(move |(count, frame)| steady(count, frame)),
        // Two rates.
        (2..MAX_FRAMES / 2, 2..MAX_FRAMES / 2).prop_map(move |(slow, fast)| {
            cumulated(std::iter::repeat_n(33, slow).chain(std::iter::repeat_n(17, fast)).collect())
        }),
        // Jitter, as of browsers and telephones.
        prop::collection::vec(21_u32..46, 2..MAX_FRAMES).prop_map(cumulated),
        // Frames that are missing from a steady clip.
        (count, frame_ms, prop::collection::vec(0.0..1.0, MAX_FRAMES)).prop_map(move |(count, frame, draws)| {
            let all: Vec<u32> = steady(count, frame);
            let kept = all.iter().zip(draws).enumerate().filter(|(index, (_, draw))| *index == 0 || *draw < 0.7);
            kept.map(|(_, (start, _))| *start).collect()
        }),
        // Frames that are shown for long, as in recordings of a screen.
        prop::collection::vec(prop_oneof![4 => Just(33_u32), 1 => 200_u32..1500], 1..12).prop_map(cumulated),
        Just(vec![0]),
    ]
}

fn clip() -> impl Strategy<Value = Clip> {
    let rates = prop_oneof![3 => Just(None), 1 => Just(Some(24)), 1 => Just(Some(1)), 1 => Just(Some(60))];
    let kind = prop::sample::select(Kind::ALL.to_vec());
    let offset = prop_oneof![Just(0_u32), Just(700)];
    (kind, pattern(), prop_oneof![Just(40_u32), 500_u32..4000], any::<bool>(), offset, rates).prop_map(
        |(kind, starts, last_ms, reorders, offset_ms, fps)| {
            let unit = kind.unit_ms();
            // The clock of a transport stream wraps around at 2^33 of 90,000 ticks a second.
            let offset_ms = if kind == Kind::Ts && offset_ms > 0 { 95_443_300 } else { offset_ms };
            let mut starts_ms: Vec<u32> = starts.iter().map(|start| (start + unit / 2) / unit * unit).collect();
            if kind == Kind::Gif {
                // Browsers and ffmpeg show shorter frames for 100 ms.
                starts_ms = starts_ms.into_iter().fold(Vec::new(), |mut kept: Vec<u32>, start| {
                    if kept.last().is_none_or(|last| start >= last + 20) {
                        kept.push(start);
                    }
                    kept
                });
            }
            starts_ms.dedup();
            if kind == Kind::Apng && starts_ms.len() == 1 {
                starts_ms.push(100); // With one frame it is a still image.
            }
            // The hold is a property of the last packet, which is only that of the last frame if none
            // is reordered.
            // An AVI has no times but slots in decoding order, and in a short one, no order either.
            let is_steady = starts_ms.windows(2).all(|pair| pair[1] - pair[0] == 40);
            let reorders = reorders
                && !(kind.holds_last() && last_ms > 40)
                && (kind != Kind::Avi || (starts_ms.len() > 4 && is_steady));
            Clip { kind, starts_ms, last_ms: last_ms / 10 * 10, reorders, offset_ms, fps }
        },
    )
}

fn tools() -> Tools {
    #[expect(clippy::disallowed_methods, reason = "the test takes the place of the program")]
    let path = std::env::var_os("PATH").unwrap();
    Tools::find(&SearchPath { path, ffmpeg: None }, SandboxPolicy::Auto).unwrap()
}

/// The numbers of the clip's frames that `child` writes.
fn numbers(mut child: Child, info: &MediaInfo) -> Vec<usize> {
    let mut pipe = child.take_stdout().unwrap();
    let mut frame = Frame::new(info.frame_format(info.size));
    let mut numbers = Vec::new();
    while read_frame(&mut pipe, frame.bytes_mut()).unwrap() {
        let luma = usize::from(frame.y()[frame.y().len() / 2 + WIDTH as usize / 2]);
        numbers.push((luma + LUMA_STEP / 2).saturating_sub(LUMA) / LUMA_STEP);
    }
    child.wait().unwrap();
    numbers
}

/// Start of the beep in seconds, in the sound that is extracted for the outputs.
fn heard_beep(tools: &Tools, file: &File, info: &MediaInfo, folder: &Path) -> f64 {
    let audio = info.audio.as_ref().unwrap();
    let mut decoder = tools.decode_sound(file, info, (audio, info.whole()), &MediaLimits::default()).unwrap();
    let mut aligner = tools.align_sound((info.duration, 1.0), folder).unwrap();
    std::io::copy(&mut decoder.take_stdout().unwrap(), &mut aligner.take_stdin().unwrap()).unwrap();
    aligner.wait().unwrap();
    drop(decoder); // It may go on behind the end of the clip.
    let mut wav = ffmpeg();
    wav.arg("-i").arg(folder.join(Tools::AUDIO_FILE)).args(["-f", "s16le", "-ac", "1", "-ar", "48000", "pipe:1"]);
    let mut samples = Vec::new();
    let mut process = wav.stdout(Stdio::piped()).spawn().unwrap();
    process.stdout.take().unwrap().read_to_end(&mut samples).unwrap();
    assert!(process.wait().unwrap().success());
    let loud =
        samples.chunks_exact(2).position(|sample| i16::from_le_bytes([sample[0], sample[1]]).unsigned_abs() > 3000);
    loud.expect("no beep") as f64 / 48_000.0
}

/// Asserts that what is on screen and heard at random moments is what the clip shows then.
fn check(tools: &Tools, clip: &Clip, moments: &[f64]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let file = clip.draw(folder.path());
    let limits = MediaLimits::default();
    let info =
        tools.probe(&file, &limits).unwrap().info(|_| {}).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(info.frames, clip.starts_ms.len() as u64);
    let rate = clip.fps.map_or(info.frame_rate, |fps| FrameRate::new(fps, 1).unwrap());
    let is_unchanged = !info.has_variable_rate && rate == info.frame_rate;
    let retiming = if is_unchanged { Retiming::EveryFrame } else { Retiming::To(rate) };
    let plan = DecodePlan { size: Size::new(WIDTH, HEIGHT).unwrap(), retiming, threads: 1, window: None };
    let shown = numbers(tools.decode(&file, &info, &plan, &limits).unwrap(), &info);
    let half_frame = 0.5 / rate.per_second();
    // Containers round timestamps.
    let tolerance = half_frame + 0.002;
    let length = shown.len() as f64 / rate.per_second();
    if let Some(end) = clip.end() {
        // A frame that is passed on, or the only one, is shown for one frame of the output at least.
        let frame = 1.0 / rate.per_second();
        let expected = end.max(if is_unchanged { clip.last_start() + frame } else { frame });
        prop_assert!((length - expected).abs() < tolerance, "{length} s, not {expected} s");
    }
    let checked_length = clip.end().unwrap_or(clip.last_start()).min(length);
    for moment in moments.iter().map(|share| share * checked_length) {
        let on_screen = shown[((moment * rate.per_second()) as usize).min(shown.len() - 1)];
        let expected = clip.shown_between(moment - tolerance, moment + tolerance);
        prop_assert!(
            expected.contains(&on_screen),
            "at {moment:.3} s frame {on_screen} is shown, not {expected:?}: {shown:?} of {info:?}"
        );
    }
    for moment in moments.iter().take(3).map(|share| share * checked_length) {
        let rate = info.frame_rate;
        let last = rate.frames_in(info.last_frame_start);
        let first = ((moment * rate.per_second()) as u64).min(last);
        let time = rate.start_of(first).as_secs_f64() + 0.5 / rate.per_second();
        let plan = ExcerptPlan { size: info.size, first, frames: 2 };
        let excerpt = numbers(tools.excerpt(&file, &info, &plan, &limits).unwrap(), &info);
        prop_assert_eq!(excerpt.len(), 2);
        let tolerance = 0.5 / rate.per_second() + 0.002;
        let expected = clip.shown_between(time - tolerance, time + tolerance);
        prop_assert!(expected.contains(&excerpt[0]), "preview {first} shows frame {}, not {expected:?}", excerpt[0]);
    }
    if clip.kind.carries_sound() && clip.beep() + 0.06 < info.duration.as_secs_f64() {
        prop_assert!(info.audio.is_some());
        let heard = heard_beep(tools, &file, &info, folder.path());
        prop_assert!((heard - clip.beep()).abs() < 0.01, "the beep is at {heard:.3} s, not {:.3} s", clip.beep());
    }
    Ok(())
}

/// Number of clips to draw: few in the gate, many in `make soak`, which draws other ones each time.
fn runner() -> TestRunner {
    #[expect(clippy::disallowed_methods, reason = "the number of cases of a long run")]
    let cases = std::env::var("CLEARCUT_TIMING_CASES").ok().and_then(|cases| cases.parse().ok());
    let config =
        Config { cases: cases.unwrap_or(50), max_shrink_iters: 30, failure_persistence: None, ..Config::default() };
    if cases.is_some() {
        return TestRunner::new(config);
    }
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn what_is_on_screen_and_heard_is_what_the_clip_shows() {
    let tools = tools();
    // Spread evenly, from a random one on.
    let golden_ratio = 0.618_034_f64;
    let result = runner().run(&(clip(), 0.0_f64..1.0), |(clip, phase)| {
        let moments: Vec<f64> = (0..200).map(|index| (phase + golden_ratio * f64::from(index)) % 1.0).collect();
        check(&tools, &clip, &moments)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
