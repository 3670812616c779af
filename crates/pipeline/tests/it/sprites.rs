//! Tests of sprite sheets.

use clearcut_job::OutputFormat::{PngSequence, SpriteSheet};
use clearcut_pipeline::Stop;

use crate::{
    cutting::{cut, cut_into, request},
    media::{Decoded, ffmpeg},
};

#[test]
fn a_sprite_sheet_has_every_frame_where_its_file_says() {
    let folder = tempfile::tempdir().unwrap();
    let clip = "-f lavfi -i color=0x20c040:s=161x91:r=25:d=0.44,format=yuv444p[wall];color=0xE0E0F0:s=50x40:r=25:d=0.44,format=yuv444p[box];\
                [wall][box]overlay=x=40+40*t:y=20:format=yuv444 -c:v libx264 -crf 12 -pix_fmt yuv444p clip.mp4";
    ffmpeg(folder.path(), clip);
    let cut = cut(&folder.path().join("clip.mp4"), &request("png-sequence,sprite-sheet"));
    for format in [PngSequence, SpriteSheet] {
        let mut archive = zip::ZipArchive::new(std::fs::File::open(cut.output(format)).unwrap()).unwrap();
        archive.extract(folder.path()).unwrap();
    }
    let frames = Decoded::read(&folder.path().join("frame-%06d.png"), (161, 91), false).frames;
    let info: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("sprites.json")).unwrap()).unwrap();
    // Three columns and four rows, of which the last one has a free place.
    let (width, height) = (3 * 163 - 2, 4 * 93 - 2);
    assert_eq!(info["meta"]["size"], serde_json::json!({ "w": width, "h": height }));
    let sheet = Decoded::read(&folder.path().join("sprites.png"), (width, height), false);
    let names = info["animations"]["clip"].as_array().unwrap();
    assert_eq!((names.len(), frames.len(), sheet.frames.len()), (11, 11, 1));
    let mut clear = sheet.frames[0].clone();
    for (name, frame) in names.iter().zip(&frames) {
        let place = |side| info["frames"][name.as_str().unwrap()]["frame"][side].as_u64().unwrap() as usize;
        assert_eq!((place("w"), place("h")), (161, 91));
        for (line, expected) in frame.chunks_exact(4 * 161).enumerate() {
            let start = 4 * ((place("y") + line) * width + place("x"));
            assert!(clear[start..start + 4 * 161] == *expected, "line {line} of {name}");
            clear[start..start + 4 * 161].fill(0);
        }
    }
    assert!(clear.iter().all(|value| *value == 0), "gaps and free places are clear");
}

#[test]
fn more_frames_than_a_sprite_sheet_takes_are_refused_before_the_cut() {
    let folder = tempfile::tempdir().unwrap();
    ffmpeg(folder.path(), "-f lavfi -i color=0x20c040:s=1920x1080:r=25:d=2 -c:v libx264 -preset ultrafast clip.mp4");
    let clip = folder.path().join("clip.mp4");
    let error = cut_into(folder.path(), &clip, &request("sprite-sheet"), &Stop::default(), &mut |_| ()).unwrap_err();
    assert_eq!(error.to_string(), "50 frames of 1920×1080 are too many for sprite-sheet, which takes 28");
}
