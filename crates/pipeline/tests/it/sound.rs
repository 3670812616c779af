//! Tests of the sound of outputs: which track, its channels, its sync, and that it never fails a
//! cut.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clearcut_job::{CutRequest, ErrorCode, NoteCode, OutputFormat};
use clearcut_pipeline::{CutReport, Stop};

use crate::{
    clips::H264,
    cutting::{Cut, cut, cut_into, request},
    inputs::Clips,
    media::{command, ffmpeg},
};

/// Samples per second of decoded sound in these tests.
const RATE: usize = 48_000;

/// A sine that beeps once, from `start` for a tenth of a second, as an ffmpeg input of `secs`.
fn beep(start: f64, secs: f64) -> String {
    format!("-f lavfi -i aevalsrc=0.5*sin(2000*PI*t)*between(t\\,{start}\\,{:.3}):s=48000:d={secs}", start + 0.1)
}

/// The sound of a file as samples of two channels, each -1 to 1; empty without sound.
fn samples(path: &Path) -> Vec<[f64; 2]> {
    if streams(path).is_empty() {
        return Vec::new();
    }
    let name = path.file_name().unwrap().to_str().unwrap();
    let raw = ffmpeg(path.parent().unwrap(), &format!("-i {name} -map 0:a -ac 2 -ar {RATE} -f f32le -"));
    let sample = |bytes: &[u8]| f64::from(f32::from_le_bytes(bytes.try_into().unwrap()));
    raw.chunks_exact(8).map(|pair| [sample(&pair[..4]), sample(&pair[4..])]).collect()
}

/// Codec and number of channels of each audio stream.
fn streams(path: &Path) -> String {
    let output = command("ffprobe")
        .args(["-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_name,channels", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn peak(samples: &[[f64; 2]], side: usize) -> f64 {
    samples.iter().map(|sample| sample[side].abs()).fold(0.0, f64::max)
}

/// The time in seconds at which the sound first is as loud as a beep.
fn beep_start(samples: &[[f64; 2]]) -> f64 {
    let at = samples.iter().position(|sample| sample[0].abs() > 0.1);
    at.unwrap_or_else(|| panic!("no beep in {} samples", samples.len())) as f64 / RATE as f64
}

/// Cuts to a file whose sound is PCM, and asserts that it is as long as the pictures.
fn cut_sound(clip: &Path) -> (Cut, Vec<[f64; 2]>) {
    let cut = cut(clip, &request("mov"));
    let samples = samples(cut.output(OutputFormat::Mov));
    let secs = samples.len() as f64 / RATE as f64;
    assert!((secs - cut.report.duration_secs()).abs() < 0.001, "{}: {secs} s", clip.display());
    (cut, samples)
}

fn assert_beep_at(clip: &Path, expected: f64) {
    let found = beep_start(&cut_sound(clip).1);
    assert!((found - expected).abs() < 0.01, "{}: the beep is at {found} s, not at {expected} s", clip.display());
}

fn codes(report: &CutReport) -> Vec<NoteCode> {
    report.notes.iter().map(|note| note.code).collect()
}

/// Raw 16-bit samples of `channels` channels for one second: a sine of full scale in those that
/// `is_loud` selects.
fn raw_channels(folder: &Clips, channels: usize, is_loud: impl Fn(usize) -> bool) -> String {
    let sample = |at: usize, channel: usize| {
        let value = (at as f64 * 1000.0 * std::f64::consts::TAU / RATE as f64).sin() * 32_767.0;
        if is_loud(channel) { value as i16 } else { 0 }
    };
    let all = (0..RATE).flat_map(|at| (0..channels).map(move |channel| (at, channel)));
    let bytes: Vec<u8> = all.flat_map(|(at, channel)| sample(at, channel).to_le_bytes()).collect();
    fs::write(folder.path().join("raw"), bytes).unwrap();
    format!("-f s16le -ar {RATE} -ac {channels} -i raw")
}

#[test]
fn sound_in_common_codecs_is_kept() {
    for (name, codec) in [
        ("aac.mp4", "aac"),
        ("pcm.mov", "pcm_s16le"),
        ("mp3.avi", "libmp3lame"),
        ("opus.mkv", "libopus"),
        ("mp2.mkv", "mp2"),
    ] {
        let folder = Clips::new();
        let clip = folder.encode(name, &format!("{} {H264} -c:a {codec}", beep(0.5, 1.0)));
        let cut = cut(&clip, &request("webm"));
        assert_eq!(streams(cut.output(OutputFormat::Webm)), "opus,1", "{name}");
        assert_eq!(codes(&cut.report), [], "{name}");
        let found = beep_start(&samples(cut.output(OutputFormat::Webm)));
        assert!((found - 0.5).abs() < 0.035, "{name}: {found}"); // MP3 and MP2 come late in their files.
    }
}

#[test]
fn channels_without_a_layout_go_left_and_right_in_turn_and_do_not_clip() {
    for channels in [3, 4, 10, 16] {
        let folder = Clips::new();
        let line = format!("{} {H264} -c:a pcm_s16le", raw_channels(&folder, channels, |channel| channel == 2));
        let (cut, samples) = cut_sound(&folder.encode("third.mkv", &line));
        let share = 1.0 / channels.div_ceil(2) as f64;
        assert!((peak(&samples, 0) - share).abs() < 0.01, "{channels}: {} {share}", peak(&samples, 0));
        assert!(peak(&samples, 1) < 0.01, "{channels}: {}", peak(&samples, 1));
        assert_eq!(codes(&cut.report), [NoteCode::SoundMixedDown]);
        let line = format!("{} {H264} -c:a pcm_s16le", raw_channels(&folder, channels, |_| true));
        let samples = cut_sound(&folder.encode("all.mkv", &line)).1;
        for side in [0, 1] {
            let peak = peak(&samples, side);
            assert!((0.99..=1.0).contains(&peak), "{channels}: {peak} of {side}");
        }
    }
}

#[test]
fn surround_sound_is_mixed_by_its_layout_and_does_not_clip() {
    for (layout, channels) in [("5.1", 6), ("7.1", 8), ("quad", 4)] {
        let folder = Clips::new();
        let input =
            raw_channels(&folder, channels, |_| true).replace("-i raw", &format!("-channel_layout {layout} -i raw"));
        // Decoded as floats, for which ffmpeg does not scale its matrix by itself.
        let (cut, samples) = cut_sound(&folder.encode("loud.mov", &format!("{input} {H264} -c:a pcm_f32le")));
        for side in [0, 1] {
            let peak = peak(&samples, side);
            assert!((0.7..=1.0).contains(&peak), "{layout}: {peak}");
        }
        assert_eq!(codes(&cut.report), [NoteCode::SoundMixedDown]);
    }
    let folder = Clips::new();
    let input = raw_channels(&folder, 6, |channel| channel == 2).replace("-i raw", "-channel_layout 5.1 -i raw");
    let samples = cut_sound(&folder.encode("center.mp4", &format!("{input} {H264} -c:a aac"))).1;
    let (left, right) = (peak(&samples[RATE / 4..], 0), peak(&samples[RATE / 4..], 1));
    assert!((left - right).abs() < 0.02 && (left - 0.293).abs() < 0.03, "the center is in both: {left} {right}");
}

#[test]
fn sound_that_cannot_be_decoded_is_left_out_with_a_warning() {
    for (name, codec) in [("tta.mkv", "tta"), ("wavpack.mkv", "wavpack")] {
        let folder = Clips::new();
        let clip = folder.encode(name, &format!("{} {H264} -c:a {codec}", beep(0.5, 1.0)));
        let cut = cut(&clip, &request("webm,stacked-alpha,mov"));
        for output in &cut.report.outputs {
            assert_eq!(streams(&output.path), "", "{name}");
        }
        assert_eq!(codes(&cut.report), [NoteCode::SoundLeftOut], "{name}");
    }
}

#[test]
fn the_track_that_can_be_decoded_is_heard() {
    let folder = Clips::new();
    let line = format!("{} {} -map 0 -map 1 -map 2 {H264} -c:a aac", beep(0.2, 1.0), beep(0.6, 1.0));
    let clip = folder.encode("two.mp4", &line);
    assert_beep_at(&clip, 0.2);
    let mut bytes = fs::read(&clip).unwrap();
    for (from, to) in [(b"mp4a", b"apac"), (b"esds", b"dapa")] {
        let at = bytes.windows(4).position(|window| window == from).unwrap();
        bytes[at..at + 4].copy_from_slice(to);
    }
    fs::write(&clip, bytes).unwrap();
    assert_beep_at(&clip, 0.6);
    let (cut, _) = cut_sound(&clip);
    let note = cut.report.notes.first().unwrap();
    let expected = "track 1 with the sound of track 3 is cut; left out: track 2 (sound, apac, not supported)";
    assert_eq!((note.code, note.message.as_str()), (NoteCode::TracksLeftOut, expected));
}

#[test]
fn gaps_and_a_late_start_stay_silent_and_in_sync() {
    let folder = Clips::new();
    let gap = "-af aselect=not(between(t\\,0.1\\,0.45))";
    assert_beep_at(&folder.encode("gap.mkv", &format!("{} {gap} {H264} -c:a pcm_s16le", beep(0.7, 1.0))), 0.7);
    // A short gap: 43 ms.
    let gap = "-af asetnsamples=1024,aselect=not(between(n\\,10\\,11))";
    assert_beep_at(&folder.encode("short.mkv", &format!("{} {gap} {H264} -c:a pcm_s16le", beep(0.7, 1.0))), 0.7);
    for name in ["late.mp4", "late.mov", "late.mkv"] {
        let line = format!("-itsoffset 0.3 {} {H264} -c:a aac", beep(0.2, 0.5));
        assert_beep_at(&folder.encode(name, &line), 0.5);
    }
}

#[test]
fn a_sample_rate_that_changes_in_mid_stream_stays_in_sync() {
    let folder = Clips::new();
    // 0.512 s are a whole number of AC-3 frames, which begin 256 samples before their sound.
    let silence = "-f lavfi -i anullsrc=cl=mono -t 0.512 -ar 48000 -c:a ac3";
    for (rate, layout) in [(44_100, "stereo"), (32_000, "mono"), (48_000, "5.1")] {
        folder.make("first.ac3", silence);
        folder.make(
            "second.ac3",
            &format!("{} -af aformat=channel_layouts={layout} -ar {rate} -c:a ac3", beep(0.2, 0.5)),
        );
        fs::write(folder.path().join("list"), "file first.ac3\nduration 0.512\nfile second.ac3\n").unwrap();
        let clip = folder.encode("changed.mkv", &format!("-f concat -i list -map 0 -map 1 {H264} -c:a copy"));
        assert_beep_at(&clip, 0.512 + 0.2 + 256.0 / f64::from(rate));
    }
}

/// Overwrites the packets of the sound that `is_damaged` selects.
fn damage_sound(clip: &Path, is_damaged: impl Fn(usize) -> bool) {
    let output = command("ffprobe")
        .args(["-v", "error", "-select_streams", "a", "-show_entries", "packet=pos,size", "-of", "csv=p=0"])
        .arg(clip)
        .output()
        .unwrap();
    let mut bytes = fs::read(clip).unwrap();
    // A packet with side data has a line of its own for that.
    let lines = String::from_utf8(output.stdout).unwrap();
    let places = lines.lines().filter_map(|line| {
        let mut numbers = line.split(',').map_while(|number| number.parse::<usize>().ok());
        numbers.next().zip(numbers.next())
    });
    for (_, (size, at)) in places.enumerate().filter(|(index, _)| is_damaged(*index)) {
        bytes[at..at + size].fill(0xff);
    }
    fs::write(clip, bytes).unwrap();
}

fn noisy_clip(folder: &Clips) -> PathBuf {
    folder.encode("noise.mp4", &format!("-f lavfi -i anoisesrc=d=1:a=0.3 {H264} -c:a aac"))
}

#[test]
fn damaged_sound_is_kept_with_gaps_or_left_out_and_says_so() {
    let folder = Clips::new();
    let clip = noisy_clip(&folder);
    damage_sound(&clip, |index| index % 4 == 2);
    let (damaged, samples) = cut_sound(&clip);
    assert_eq!(codes(&damaged.report), [NoteCode::SoundDamaged], "{:?}", damaged.report.notes);
    assert!(peak(&samples[RATE * 9 / 10..], 0) > 0.05, "the end is still heard");
    damage_sound(&clip, |_| true);
    let left_out = cut(&clip, &request("webm,mov"));
    assert_eq!(codes(&left_out.report), [NoteCode::SoundLeftOut]);
    assert_eq!(streams(left_out.output(OutputFormat::Webm)), "");
    let silent = cut(&clip, &CutRequest { keeps_audio: false, ..request("webm") });
    assert_eq!(codes(&silent.report), [], "nobody asked for sound");
}

#[test]
fn sound_whose_decoder_does_not_take_its_header_is_left_out() {
    let folder = Clips::new();
    let clip = noisy_clip(&folder);
    let mut bytes = fs::read(&clip).unwrap();
    // The decoder's configuration within the box: an object type that no decoder has.
    let at = bytes.windows(4).position(|window| window == b"esds").unwrap();
    let configuration = at + bytes[at..].windows(4).position(|window| window == [5, 0x80, 0x80, 0x80]).unwrap() + 5;
    bytes[configuration..configuration + 2].copy_from_slice(&[0xff, 0xe0]);
    fs::write(&clip, bytes).unwrap();
    let cut = cut(&clip, &request("mov"));
    assert_eq!(
        (streams(cut.output(OutputFormat::Mov)).as_str(), codes(&cut.report)),
        ("", vec![NoteCode::SoundLeftOut])
    );
}

#[test]
fn sound_that_starts_after_the_clip_is_left_out() {
    let folder = Clips::new();
    let clip = folder.encode("after.mkv", &format!("-itsoffset 3 {} {H264} -c:a pcm_s16le", beep(0.2, 1.0)));
    let cut = cut(&clip, &request("mov"));
    assert_eq!(
        (streams(cut.output(OutputFormat::Mov)).as_str(), codes(&cut.report)),
        ("", vec![NoteCode::SoundLeftOut])
    );
}

#[test]
fn a_failure_of_the_machine_is_no_fault_of_the_sound() {
    let folder = Clips::new();
    let clip = noisy_clip(&folder);
    let missing = folder.path().join("no-such-folder");
    let error = cut_into(&missing, &clip, &request("mov"), &Stop::default(), &mut |_| {}).unwrap_err();
    assert_ne!(error.code(), ErrorCode::InvalidVideo, "{error}");
}

#[test]
fn damaged_pictures_are_the_fault_of_the_clip() {
    let folder = Clips::new();
    let clip = noisy_clip(&folder);
    let mut bytes = fs::read(&clip).unwrap();
    let start = bytes.windows(4).position(|window| window == b"mdat").unwrap() + 4;
    let end = bytes.windows(4).position(|window| window == b"moov").unwrap() - 4;
    for (index, byte) in bytes[start..end].iter_mut().enumerate() {
        *byte = (index * 7 % 251) as u8;
    }
    fs::write(&clip, bytes).unwrap();
    for formats in ["mov", "webm", "webp"] {
        let scratch = tempfile::tempdir().unwrap();
        let error = cut_into(scratch.path(), &clip, &request(formats), &Stop::default(), &mut |_| {}).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidVideo, "{error}");
    }
}
