//! Tests of the output files' structure, which players and editors depend on: headers, indexes and
//! durations.

use std::path::Path;

use clearcut_job::{
    NoteCode,
    OutputFormat::{Apng, Mov, StackedAlpha, Webp},
};

use crate::{
    cutting::{cut, request},
    media::{command, ffmpeg, probe, sample},
    outputs::{apng_length, color_clip},
};

#[test]
fn every_prores_frame_has_the_header_that_editors_ask_for() {
    for (matrix, code_points) in [("bt709", [1, 1, 1]), ("bt601", [6, 1, 6])] {
        let folder = tempfile::tempdir().unwrap();
        color_clip(folder.path(), matrix);
        let cut = cut(&folder.path().join(format!("{matrix}.mp4")), &request("mov"));
        let bytes = std::fs::read(cut.output(Mov)).unwrap();
        let frames = packets(cut.output(Mov));
        assert_eq!(frames.len(), 8);
        for (at, len) in frames {
            let frame = &bytes[at..at + len];
            assert_eq!(u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize, len);
            assert_eq!(&frame[4..8], b"icpf");
            // SMPTE RDD 36: version 1, 4:4:4 progressive, the colors, 16 bits of alpha.
            assert_eq!((&frame[10..12], frame[20], frame[25]), ([0, 1].as_slice(), 0xC0, 2), "{matrix}");
            assert_eq!(frame[22..25], code_points, "{matrix}");
        }
        let color = position_of(&bytes, b"colrnclc") + 8;
        let [primaries, transfer, colors] = code_points;
        assert_eq!(bytes[color..color + 6], [0, primaries, 0, transfer, 0, colors], "{matrix}");
        let entry = position_of(&bytes, b"ap4h") + 4;
        assert_eq!(bytes[entry + 74..entry + 76], [0, 32], "the depth of colors with alpha");
    }
}

/// Offset and length of each packet of the first video stream, as ffprobe finds them.
fn packets(path: &Path) -> Vec<(usize, usize)> {
    let output = command("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pos,size", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let packet = |line: &str| {
        let mut numbers = line.split(',').map(|number| number.trim().parse().unwrap());
        let (size, at) = (numbers.next().unwrap(), numbers.next().unwrap());
        (at, size)
    };
    text.lines().filter(|line| !line.is_empty()).map(packet).collect()
}

/// Offset of the first occurrence of `name`.
fn position_of(bytes: &[u8], name: &[u8]) -> usize {
    bytes.windows(name.len()).position(|window| window == name).unwrap()
}

#[test]
fn a_stacked_file_has_its_index_first_and_color_tags() {
    let cut = cut(sample("dancer.mp4").as_ref(), &request("stacked-alpha"));
    let output = cut.output(StackedAlpha);
    let bytes = std::fs::read(output).unwrap();
    assert!(position_of(&bytes, b"moov") < position_of(&bytes, b"mdat"));
    let probed = probe(output, "codec_name,pix_fmt,color_range,color_space,color_transfer,color_primaries");
    assert_eq!(probed, "h264,yuv420p,tv,smpte170m,smpte170m,smpte170m");
    let color = position_of(&bytes, b"colrnclx") + 8;
    assert_eq!(bytes[color..color + 7], [0, 6, 0, 6, 0, 6, 0], "colors and limited range");
}

#[test]
fn webp_and_apng_of_a_fast_clip_are_repacked_so_that_browsers_play_them() {
    let folder = tempfile::tempdir().unwrap();
    // A box that moves in each of 61 frames, and one that is gone in every other frame from the
    // twentieth on.
    ffmpeg(
        folder.path(),
        "-f lavfi -i color=0x20c040:s=160x96:r=120:d=0.508[wall];color=red:s=16x16:r=120:d=0.508[box];\
         [wall]drawbox=60:30:40:40:white:fill:enable='lt(n\\,20)+mod(n\\,2)'[flash];[flash][box]overlay=x=20+n:y=8 \
         -c:v libx264 -pix_fmt yuv420p -crf 12 clip.mp4",
    );
    let cut = cut(&folder.path().join("clip.mp4"), &request("webp,apng,mov"));
    assert_eq!((cut.report.frames, probe(cut.output(Mov), "r_frame_rate,nb_read_frames")), (61, "120/1,61".to_owned()));
    let note = cut.report.notes.iter().find(|note| note.code == NoteCode::AnimationRateReduced).unwrap();
    assert!(note.message.contains("at most 50 of the 120 frames a second"), "{}", note.message);
    assert_eq!(apng_length(cut.output(Apng)), 508);
    let bytes = std::fs::read(cut.output(Webp)).unwrap();
    let ends: Vec<i32> =
        webp_animation::Decoder::new(&bytes).unwrap().into_iter().map(|frame| frame.timestamp()).collect();
    assert_eq!((ends.len(), ends[0], ends[1], *ends.last().unwrap()), (20, 25, 50, 508));
    let compared: Vec<u64> = cut.report.outputs.iter().map(|output| output.alpha_check.frames_compared).collect();
    assert_eq!(compared, [20, 20, 61]);
}

#[test]
fn animations_of_usual_rates_keep_them_and_have_no_note() {
    let cut = cut(sample("mascot.mp4").as_ref(), &request("webp,apng"));
    assert_eq!(cut.report.notes, []);
    for output in &cut.report.outputs {
        let check = output.alpha_check;
        assert_eq!(check.frames_compared, cut.report.frames, "{}", output.format);
        // APNG's alpha is exact.
        let is_right = if output.format == Apng { 0.0..=0.0 } else { 0.0..=1.0 };
        assert!(is_right.contains(&check.largest_mean_difference), "{}: {check:?}", output.format);
    }
}
