//! Tests of the tempo of outputs and of how they loop.

use std::path::{Path, PathBuf};

use clearcut_job::{
    CutRequest, ErrorCode, FpsChoice, LoopChoice, NoteCode,
    OutputFormat::{Apng, Mov, Webm},
};
use clearcut_pipeline::Stop;

use crate::{
    clips::{FRAMES, HEIGHT, WIDTH, master, shared_clip},
    cutting::{Cut, cut, cut_into, request},
    media::{Decoded, ffmpeg},
};

/// The frames of the APNG of a cut.
fn frames(cut: &Cut) -> Vec<Vec<u8>> {
    Decoded::read(cut.output(Apng), (WIDTH, HEIGHT), false).frames
}

/// Two seconds of the master, over and over, with a tone of 440 Hz.
fn clip() -> PathBuf {
    let path = master().to_str().unwrap().to_owned();
    let tone = "-f lavfi -i sine=f=440:r=48000:d=2";
    shared_clip("tone.mkv", &format!("-stream_loop 1 -i {path} {tone} -c:v ffv1 -c:a pcm_s16le -shortest"))
}

/// The length of the sound of a MOV in seconds, and the frequency of its tone in its middle half.
fn tone(path: &Path) -> (f64, f64) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let raw = ffmpeg(path.parent().unwrap(), &format!("-i {name} -map 0:a -ac 1 -ar 48000 -f s16le -"));
    let samples: Vec<i16> = raw.chunks_exact(2).map(|sample| i16::from_le_bytes([sample[0], sample[1]])).collect();
    let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
    let rises = middle.windows(2).filter(|pair| pair[0] < 0 && pair[1] >= 0).count();
    (samples.len() as f64 / 48_000.0, rises as f64 / (middle.len() as f64 / 48_000.0))
}

#[test]
fn outputs_play_in_the_tempo_and_the_sound_keeps_its_pitch() {
    let all = frames(&cut(&clip(), &request("apng")));
    for (tempo, count, rate) in [("0.25", 48, "6/1"), ("0.5", 48, "12/1"), ("2", 24, "24/1"), ("4", 12, "24/1")] {
        let cut = cut(&clip(), &CutRequest { tempo: tempo.parse().unwrap(), ..request("apng,mov") });
        let factor = tempo.parse::<f64>().unwrap();
        assert_eq!((cut.report.frames, cut.report.frame_rate.to_string()), (count, rate.to_owned()), "{tempo}");
        let found = frames(&cut);
        assert_eq!(found.len(), count as usize);
        for (index, frame) in found.iter().enumerate().skip(2).take(8) {
            let distance = |other: &[u8]| frame.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
            let nearest = (0..all.len() / 2).min_by_key(|number| distance(&all[*number])).unwrap();
            // The second half of the clip shows the first one again.
            let period = all.len() as f64 / 2.0;
            let expected = if factor < 1.0 { index as f64 } else { index as f64 * factor } % period;
            let apart = (nearest as f64 - expected).abs();
            // Faster, the frame is one of those within half a step.
            let most = (factor / 2.0).max(1.0);
            assert!(apart.min(period - apart) <= most, "{tempo}: frame {index} is number {nearest}");
        }
        let (secs, pitch) = tone(cut.output(Mov));
        assert!((secs - 2.0 / factor).abs() < 0.01, "{tempo}: {secs} s of sound");
        assert!((pitch - 440.0).abs() < 8.0, "{tempo}: {pitch} Hz");
    }
    let fixed = CutRequest { fps: FpsChoice::Fixed(24), tempo: "0.5".parse().unwrap(), ..request("apng") };
    assert_eq!(cut(&clip(), &fixed).report.frames, 96, "a rate of its own repeats frames");
    let part = CutRequest { trim: Some("0.5,1.5".parse().unwrap()), tempo: "2".parse().unwrap(), ..request("apng") };
    assert_eq!(cut(&clip(), &part).report.frames, 12, "a part is in the time of the clip");
}

#[test]
fn a_boomerang_goes_back_frame_by_frame_without_sound() {
    let plain = frames(&cut(&clip(), &request("apng")));
    let boomerang = |formats: &str| CutRequest { looped: Some(LoopChoice::Boomerang), ..request(formats) };
    let cut = cut(&clip(), &boomerang("apng,webm"));
    let (count, found) = (plain.len(), frames(&cut));
    assert_eq!((cut.report.frames as usize, found.len()), (2 * count - 2, 2 * count - 2));
    for (index, frame) in found.iter().enumerate() {
        let expected = if index < count { index } else { 2 * (count - 1) - index };
        assert!(*frame == plain[expected], "frame {index} is not number {expected}");
    }
    let notes: Vec<_> = cut.report.notes.iter().map(|note| note.code).collect();
    assert!(notes.contains(&NoteCode::SoundLeftOut), "{notes:?}");
    let streams = crate::media::probe(cut.output(Webm), "nb_read_frames");
    assert_eq!(streams, (2 * count - 2).to_string());
    let sound = ffmpeg(cut.folder.path(), "-i webm.webm -map 0:a? -f null -");
    assert!(sound.is_empty());
}

#[test]
fn a_seamless_loop_begins_again_where_it_ends() {
    // The subject of the master swings by 12·sin(N/4): it returns after 25.1 frames.
    let master = master().to_str().unwrap().to_owned();
    let swing = "clip((38-hypot(X-80-12*sin((N+7)/4),Y-62))/4+0.5,0,1)";
    let mix = |background: &str, subject: &str| format!("'st(0,{swing});({background})*(1-ld(0))+({subject})*ld(0)'");
    let (r, g, b) = (mix("40", "200-Y/2"), mix("190", "90+20*sin(X/3)"), mix("60", "70+X/4"));
    let line = format!(
        "-f lavfi -i color=c=black:s={WIDTH}x{HEIGHT}:r=24,format=gbrp,geq=r={r}:g={g}:b={b} -frames:v 41 -c:v ffv1"
    );
    let clip = shared_clip("swing.mkv", &line);
    let seamless = |formats: &str| CutRequest { looped: Some(LoopChoice::Seamless), ..request(formats) };
    let (plain, cut_loop) = (frames(&cut(&clip, &request("apng"))), cut(&clip, &seamless("apng")));
    let found = frames(&cut_loop);
    assert_eq!(found.len(), 25, "a period");
    let first = plain.iter().position(|frame| *frame == found[0]);
    let difference = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
    let (jump, step) = (difference(&found[24], &found[0]), difference(&found[0], &found[1]));
    assert!(jump < 1.7 * step, "from {first:?}: the jump is {jump}, a step {step}");
    let notes: Vec<_> = cut_loop.report.notes.iter().filter(|note| note.code == NoteCode::LoopFound).collect();
    assert!(notes.len() == 1 && notes[0].message.contains("is not larger than a step"), "{notes:?}");
    // What never returns is cut all the same, and the note says that the jump is seen.
    let part = CutRequest { trim: Some("0,0.4".parse().unwrap()), ..seamless("apng") };
    let notes = cut(Path::new(&master), &part).report.notes;
    assert!(notes.iter().any(|note| note.message.contains("seen")), "{notes:?}");
    assert_eq!(FRAMES, 24);
}

#[test]
fn a_loop_in_too_many_frames_is_refused() {
    let line = "-f lavfi -i color=0x14be46:s=16x16:r=60 -frames:v 3001 -c:v ffv1 -pix_fmt yuv420p";
    let clip = shared_clip("many.mkv", line);
    let scratch = tempfile::tempdir().unwrap();
    let request = CutRequest { looped: Some(LoopChoice::Seamless), ..request("webm") };
    let error = cut_into(scratch.path(), &clip, &request, &Stop::default(), &mut |_| ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    let expected = "a seamless loop is looked for in up to 3000 frames, and the part that is cut has 3001";
    assert_eq!(error.to_string(), expected);
}
