//! Tests of interlaced frames, and of frames that change their size in mid-stream.

use std::{fs, path::PathBuf, time::Duration};

use clearcut_job::{CutRequest, DeinterlaceChoice, FpsChoice, Note, NoteCode, OutputFormat};
use tempfile::TempDir;

use crate::{
    cutting::{ALL_FORMATS, Cut, cut, preview, request},
    media::{Decoded, ffmpeg, probe},
};

const SIZE: (usize, usize) = (320, 120);

/// A box that moves right by 8 pixels per field, 50 fields per second, woven into frames by
/// `weave` and encoded with `codec`.
fn moving_box(folder: &TempDir, name: &str, weave: &str, codec: &str) -> PathBuf {
    let source = "color=c=0x1ec83c:s=320x120:r=50:d=1,format=yuv420p,geq=\
                  lum='if(between(X,40+8*mod(N,20),100+8*mod(N,20))*between(Y,30,89),150,lum(X,Y))':\
                  cb='if(between(2*X,40+8*mod(N,20),100+8*mod(N,20))*between(2*Y,30,89),80,cb(X,Y))':\
                  cr='if(between(2*X,40+8*mod(N,20),100+8*mod(N,20))*between(2*Y,30,89),190,cr(X,Y))'";
    ffmpeg(folder.path(), &format!("-f lavfi -i {source},{weave},noise=alls=3:allf=t -pix_fmt yuv420p {codec} {name}"));
    folder.path().join(name)
}

const TOP_FIRST: &str = "tinterlace=mode=interleave_top,setfield=tff";
const BOTTOM_FIRST: &str = "tinterlace=mode=interleave_bottom,setfield=bff";
const X264: &str = "-c:v libx264 -preset veryfast -crf 16 -colorspace bt709";
const FIELDS: &str = "-flags +ildct+ilme";

/// How far the edges of the box differ from one row to the next, in pixels: none in whole frames,
/// and two edges of 8 pixels in woven ones.
fn comb(decoded: &Decoded, channel: usize) -> f64 {
    let of_frame = |frame: &Vec<u8>| {
        let row = |y: usize| frame[y * SIZE.0 * 4..][..SIZE.0 * 4].iter().skip(channel).step_by(4);
        let rows = 40..80;
        let differences = rows.clone().map(|y| {
            row(y)
                .zip(row(y + 1))
                .map(|(a, b)| f64::from(a.abs_diff(*b)))
                .filter(|difference| *difference > 30.0)
                .sum::<f64>()
        });
        differences.sum::<f64>() / rows.len() as f64 / 255.0
    };
    let inner = &decoded.frames[2..decoded.frames.len() - 2];
    inner.iter().map(of_frame).sum::<f64>() / inner.len() as f64
}

fn alpha_comb(cut: &Cut) -> f64 {
    let decoded = Decoded::read(cut.output(OutputFormat::Mov), SIZE, false);
    assert_eq!(decoded.frames.len(), 25, "the frame rate stays");
    comb(&decoded, 3)
}

fn message(notes: &[Note], code: NoteCode) -> Option<&str> {
    notes.iter().find(|note| note.code == code).map(|note| note.message.as_str())
}

#[test]
fn interlaced_frames_are_made_whole_as_flagged_or_measured() {
    let studio = format!("format=yuv422p,{TOP_FIRST}");
    for (name, weave, codec, reason) in [
        ("flagged.mp4", TOP_FIRST, format!("{X264} {FIELDS} -x264opts tff=1"), "it is flagged as interlaced"),
        ("bottom.mkv", BOTTOM_FIRST, format!("{X264} {FIELDS} -x264opts bff=1"), "its fields differ"),
        ("wrong.mp4", TOP_FIRST, format!("{X264} {FIELDS} -x264opts bff=1"), "it is flagged as interlaced"),
        ("unflagged.mp4", BOTTOM_FIRST, X264.to_owned(), "its fields differ"),
        ("unflagged.avi", TOP_FIRST, "-c:v mpeg4 -q:v 2".to_owned(), "its fields differ"),
        (
            "studio.mov",
            &studio,
            format!("-c:v prores_ks -profile:v 3 -pix_fmt yuv422p10le {FIELDS}"),
            "its fields differ",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let cut = cut(&moving_box(&folder, name, weave, &codec), &request("mov"));
        let expected = format!("the clip is de-interlaced: {reason}");
        assert_eq!(message(&cut.report.notes, NoteCode::Deinterlaced), Some(expected.as_str()), "{name}");
        let comb = alpha_comb(&cut);
        assert!(comb < 1.0, "{name}: the edges of the matte differ by {comb:.1} pixels from row to row");
    }
}

#[test]
fn whole_frames_are_kept_whatever_they_are_flagged_as() {
    for codec in [X264.to_owned(), format!("{X264} {FIELDS} -x264opts tff=1")] {
        let folder = tempfile::tempdir().unwrap();
        let cut = cut(&moving_box(&folder, "whole.mp4", "fps=25", &codec), &request("mov"));
        assert_eq!(message(&cut.report.notes, NoteCode::Deinterlaced), None, "{codec}");
        assert!(alpha_comb(&cut) < 1.0);
    }
}

#[test]
fn the_user_decides_on_interlaced_frames() {
    let folder = tempfile::tempdir().unwrap();
    let woven = moving_box(&folder, "woven.mp4", TOP_FIRST, X264);
    let off = cut(&woven, &CutRequest { deinterlace: DeinterlaceChoice::Off, ..request("mov") });
    assert_eq!(message(&off.report.notes, NoteCode::Deinterlaced), None);
    assert!(alpha_comb(&off) > 8.0, "the frames are kept");
    let whole = moving_box(&folder, "whole.mp4", "fps=25", X264);
    let on = cut(&whole, &CutRequest { deinterlace: DeinterlaceChoice::On, ..request("mov") });
    assert_eq!(message(&on.report.notes, NoteCode::Deinterlaced), Some("the clip is de-interlaced: as asked"));
}

#[test]
fn a_preview_is_made_of_whole_frames() {
    let folder = tempfile::tempdir().unwrap();
    let woven = moving_box(&folder, "woven.mp4", TOP_FIRST, X264);
    let png = preview(&woven, &request("apng"), Duration::from_millis(500));
    fs::write(folder.path().join("frame.png"), png).unwrap();
    let decoded = Decoded::read(&folder.path().join("frame.png"), SIZE, false);
    let repeated = Decoded { width: decoded.width, frames: vec![decoded.frames[0].clone(); 5] };
    assert!(comb(&repeated, 3) < 1.0 && comb(&repeated, 0) < 1.0);
}

/// Joins segments of these sizes and lengths in frames, with a box in the middle half of each.
fn segments(folder: &TempDir, name: &str, codec: &str, sizes: &[(u32, u32, u32)]) -> PathBuf {
    let (stem, extension) = name.split_once('.').unwrap();
    let mut list = String::new();
    for (index, (width, height, frames)) in sizes.iter().enumerate() {
        let part = format!("{stem}{index}.{extension}");
        let source = format!(
            "color=c=0x1ec83c:s={width}x{height}:r=25,format=yuv420p,\
             drawbox=x=iw/4:y=ih/4:w=iw/2:h=ih/2:c=0xf08228:t=fill,noise=alls=3:allf=t"
        );
        ffmpeg(folder.path(), &format!("-f lavfi -i {source} -frames:v {frames} {codec} {part}"));
        list += &format!("file {part}\n");
    }
    fs::write(folder.path().join("list"), list).unwrap();
    ffmpeg(folder.path(), &format!("-f concat -i list -c copy {name}"));
    folder.path().join(name)
}

const VP8: &str = "-c:v libvpx -b:v 2M -deadline realtime";

/// Asserts size and number of frames, a clear border and a solid middle in every frame.
fn assert_one_size(cut: &Cut, format: OutputFormat, size: (usize, usize), frames: usize) -> Decoded {
    let path = cut.output(format);
    let probed = probe(path, "width,height,nb_read_frames");
    assert_eq!(probed, format!("{},{},{frames}", size.0, size.1));
    let decoded = Decoded::read(path, size, false);
    for frame in 0..frames {
        let middle = decoded.mean(frame, (size.0 / 2, size.1 / 2), 9)[3];
        assert!(middle > 250.0, "frame {frame} has alpha {middle} in the middle");
        for (x, y) in [(8, 8), (size.0 - 8, 8), (8, size.1 / 2), (size.0 - 8, size.1 - 8), (size.0 / 2, 8)] {
            let clear = decoded.mean(frame, (x, y), 9)[3];
            assert!(clear < 5.0, "frame {frame} has alpha {clear} at {x},{y}");
        }
    }
    decoded
}

#[test]
fn a_recording_that_grows_has_the_size_that_is_shown_longest() {
    for (name, codec) in
        [("growing.webm", VP8), ("growing.mkv", "-c:v libvpx-vp9 -b:v 2M -deadline realtime -cpu-used 8")]
    {
        let folder = tempfile::tempdir().unwrap();
        let clip = segments(&folder, name, codec, &[(160, 120, 10), (320, 240, 25)]);
        let growing = cut(&clip, &request("webm"));
        assert_one_size(&growing, OutputFormat::Webm, (320, 240), 35);
        let expected = "the clip changes its size in mid-stream (160×120, 320×240); all frames are cut as 320×240";
        assert_eq!(message(&growing.report.notes, NoteCode::SizeChanged), Some(expected));
        // At another rate, no frame is lost where the size changes.
        let slower = cut(&clip, &CutRequest { fps: FpsChoice::Fixed(50), ..request("webm") });
        assert_one_size(&slower, OutputFormat::Webm, (320, 240), 70);
    }
}

#[test]
fn frames_of_another_shape_keep_it_and_their_bars_are_background() {
    let folder = tempfile::tempdir().unwrap();
    let clip = segments(&folder, "turned.webm", VP8, &[(320, 240, 20), (120, 240, 10), (320, 120, 10)]);
    let cut = cut(&clip, &request(ALL_FORMATS));
    let decoded = assert_one_size(&cut, OutputFormat::Mov, (320, 240), 40);
    // The box is half as wide as its frame: 160 pixels, then 60.
    let width = |frame: usize| decoded.frames[frame][120 * 320 * 4..][..320 * 4].iter().skip(3).step_by(4);
    let wide = |frame: usize| width(frame).filter(|alpha| **alpha > 127).count();
    assert!(wide(10).abs_diff(160) <= 2 && wide(25).abs_diff(60) <= 2 && wide(35).abs_diff(160) <= 2);
}

#[test]
fn a_clip_of_one_size_has_no_note_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let clip = segments(&folder, "steady.webm", VP8, &[(160, 120, 10), (160, 120, 10)]);
    assert_eq!(message(&cut(&clip, &request("webm")).report.notes, NoteCode::SizeChanged), None);
}
