//! Hostile and damaged input, in one file because it is one list: each clip is refused with its
//! error code and leaves nothing behind, or it is cut.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime},
};

use crate::{
    clips::H264,
    media::{command, ffmpeg, probe},
    run::{Workspace, descendants, wait_for_exit, wait_until},
};

/// Asserts that `cut` refuses a clip as `INVALID_VIDEO` with this message.
fn assert_invalid(workspace: &Workspace, clip: &str, message: &str) {
    workspace.assert_refused(&["cut", clip, "-q"], 3, "INVALID_VIDEO", message);
}

/// Asserts that `cut` makes `NAME-cut.webm` and leaves nothing else. The method is fixed, because
/// damage and black corners may cover the background.
fn assert_cut(workspace: &Workspace, clip: &str) {
    let mut expected = workspace.names();
    let outcome = workspace.run(&["cut", "-q", "--method", "chroma", "--", clip]);
    assert_eq!(outcome.exit, Some(0), "{clip}: {outcome:?}");
    expected.push(format!("{}-cut.webm", Path::new(clip).file_stem().unwrap().to_str().unwrap()).into());
    expected.sort();
    assert_eq!(workspace.names(), expected, "{clip}");
    workspace.assert_no_process_left();
}

/// Asserts that `cut` either works or refuses the clip as `INVALID_VIDEO`, depending on where the
/// damage is.
fn assert_cut_or_invalid(workspace: &Workspace, clip: &str) {
    let before = workspace.names();
    let outcome = workspace.run(&["cut", clip, "-q", "--method", "chroma"]);
    match outcome.exit {
        Some(0) => assert_eq!(workspace.names().len(), before.len() + 1, "{outcome:?}"),
        Some(3) => {
            assert!(outcome.stderr.contains("(INVALID_VIDEO)"), "{outcome:?}");
            assert_eq!(workspace.names(), before, "{outcome:?}");
        }
        _ => panic!("{clip}: {outcome:?}"),
    }
    workspace.assert_no_process_left();
}

#[test]
fn files_that_are_no_video_are_refused() {
    let workspace = Workspace::new();
    let cases: [(&str, &[u8], &str); 9] = [
        ("empty.mp4", b"", "empty"),
        ("one.mp4", b"x", "not a video"),
        ("text.mp4", b"a letter to a friend, much longer than the head of any container\n", "not a video"),
        ("art.mp4", b"XBIN\x1a\x50\x00\x19\x00\x10\x00", "not a video"),
        ("ansi.mp4", b"\x1b[2J\x1b[31mred\x1b[0m\n", "not a video"),
        ("flic.mp4", b"\x80\0\0\0\x12\xaf\x01\0\xa0\0\x78\0\x08\0", "not a video"),
        ("vvc.mp4", b"\0\0\0\x01\0\x79\0\x0b\x02\0\x80\0", "a video stream without a container"),
        ("zip.mp4", b"PK\x03\x04\x14\0\0\0\x08\0", "a ZIP archive"),
        ("gzip.mp4", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "a gzip archive"),
    ];
    for (name, bytes, message) in cases {
        workspace.write(name, bytes);
        assert_invalid(&workspace, name, message);
    }
    fs::create_dir(workspace.join("folder.mp4")).unwrap();
    workspace.assert_refused(&["cut", "folder.mp4"], 3, "INPUT_UNREADABLE", "has no clip and no image");
    workspace.assert_refused(&["cut", "absent.mp4"], 3, "INPUT_UNREADABLE", "no such file");
}

/// Width and height of 16,000 pixels as in a PNG header.
const SIXTEEN_THOUSAND_SQUARED: [u8; 8] = [0, 0, 0x3E, 0x80, 0, 0, 0x3E, 0x80];

#[test]
fn an_animated_png_with_a_huge_header_is_refused_before_decoding() {
    let workspace = Workspace::new();
    let mut clip = fs::read(workspace.encode("small.apng", "-frames:v 2 -c:v apng")).unwrap();
    clip[16..24].copy_from_slice(&SIXTEEN_THOUSAND_SQUARED);
    workspace.write("huge.apng", clip);
    assert_invalid(&workspace, "huge.apng", "36 million pixels");
}

#[test]
fn a_truncated_file_is_refused_as_damaged() {
    let workspace = Workspace::new();
    let late = fs::read(workspace.encode("late.mp4", H264)).unwrap();
    workspace.write("no-moov.mp4", &late[..late.len() / 2]);
    assert_invalid(&workspace, "no-moov.mp4", "damaged");
    let fast = fs::read(workspace.encode("fast.mp4", &format!("{H264} -movflags +faststart"))).unwrap();
    workspace.write("cut-off.mp4", &fast[..fast.len() * 2 / 3]);
    assert_invalid(&workspace, "cut-off.mp4", "damaged");
    let start = fs::read(workspace.encode("whole.mkv", H264)).unwrap();
    workspace.write("head.mkv", &start[..200]);
    assert_invalid(&workspace, "head.mkv", "damaged");
}

#[test]
fn a_file_with_only_sound_or_a_cover_is_refused_as_without_video_stream() {
    let workspace = Workspace::new();
    workspace.make("sound.mp4", "-f lavfi -i sine=d=1 -c:a aac");
    assert_invalid(&workspace, "sound.mp4", "no video stream");
    workspace
        .encode("cover.mp4", "-f lavfi -i sine=d=1 -map 0 -map 1 -frames:v 1 -c:v mjpeg -disposition:v attached_pic");
    assert_invalid(&workspace, "cover.mp4", "no video stream");
}

/// File that detects whether it was read, by its access time.
struct Decoy(std::path::PathBuf);

impl Decoy {
    /// Makes the valid clip `decoy.mp4` in the workspace.
    fn create(workspace: &Workspace) -> Self {
        let path = workspace.encode("decoy.mp4", H264);
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_times(fs::FileTimes::new().set_accessed(long_ago)).unwrap();
        Self(path)
    }

    fn is_unread(&self) -> bool {
        fs::metadata(&self.0).unwrap().accessed().unwrap() < SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_001)
    }

    /// Asserts that the file was not read, and that a read would have been detected.
    fn assert_unread(&self) {
        assert!(self.is_unread(), "the file beside the clip was read");
        fs::read(&self.0).unwrap();
        assert!(!self.is_unread(), "this file system does not record access times, so the test detects nothing");
    }
}

#[test]
fn playlists_and_manifests_that_name_other_files_are_refused_and_not_followed() {
    let workspace = Workspace::new();
    let decoy = Decoy::create(&workspace);
    let path = decoy.0.display();
    let cases = [
        ("m3u8.mp4", format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n"), "m3u8"),
        ("concat.mp4", format!("ffconcat version 1.0\nfile '{path}'\n"), "concat"),
        ("bare.mp4", format!("file '{path}'\n"), "concat"),
        (
            "mpd.mp4",
            format!("<?xml version=\"1.0\"?><MPD><Period><BaseURL>{path}</BaseURL></Period></MPD>"),
            "manifest",
        ),
        ("sdp.mp4", "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n".to_owned(), "SDP"),
    ];
    for (name, text, message) in cases {
        workspace.write(name, text);
        for sandbox in ["auto", "off"] {
            workspace.assert_refused(&["cut", name, "-q", "--sandbox", sandbox], 3, "INVALID_VIDEO", message);
        }
    }
    decoy.assert_unread();
}

#[test]
fn a_playlist_in_the_subtitles_of_an_avi_is_not_followed() {
    let workspace = Workspace::new();
    let decoy = Decoy::create(&workspace);
    let clip = fs::read(workspace.encode("plain.avi", "-c:v mpeg4 -q:v 3")).unwrap();
    workspace
        .write("gab2.avi", with_gab2(&clip, &format!("#EXTM3U\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", decoy.0.display())));
    assert_eq!(probe_streams(&workspace.join("gab2.avi")), "video\nsubtitle", "the clip holds no playlist");
    for sandbox in ["auto", "off"] {
        let outcome = workspace.run(&["cut", "gab2.avi", "-q", "--force", "--sandbox", sandbox]);
        assert!(matches!(outcome.exit, Some(0 | 3)), "{outcome:?}");
        workspace.assert_no_process_left();
    }
    decoy.assert_unread();
}

fn probe_streams(path: &Path) -> String {
    let arguments = ["-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0"];
    let output = command("ffprobe").args(arguments).arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Adds a subtitle stream, whose only packet is `playlist`, to an AVI with one stream.
fn with_gab2(avi: &[u8], playlist: &str) -> Vec<u8> {
    let chunk = |name: &[u8; 4], body: &[u8]| {
        let padding = vec![0; body.len() % 2];
        [&name[..], &(body.len() as u32).to_le_bytes(), body, &padding].concat()
    };
    let at = |name: &[u8], from: usize| avi[from..].windows(4).position(|window| window == name).unwrap() + from;
    let (header_list, movi) = (at(b"hdrl", 0), at(b"movi", 0));
    let header_len = u32::from_le_bytes(avi[header_list - 4..header_list].try_into().unwrap()) as usize;
    let header_end = header_list + header_len;
    let mut strh = vec![0; 56];
    strh[..4].copy_from_slice(b"txts");
    (strh[20], strh[24], strh[32]) = (1, 24, 1); // Scale, rate, length.
    let stream = chunk(b"LIST", &[&b"strl"[..], &chunk(b"strh", &strh), &chunk(b"strf", &[])].concat());
    let text =
        [b"GAB2\0\x02\0", &4_u32.to_le_bytes()[..], b"x\0\0\0", b"\x04\0", &(playlist.len() as u32).to_le_bytes()]
            .concat();
    let packet = chunk(b"01tx", &[&text[..], playlist.as_bytes()].concat());
    let header = chunk(b"LIST", &[&avi[header_list..header_end], &stream[..]].concat());
    let movi_len = u32::from_le_bytes(avi[movi - 4..movi].try_into().unwrap()) as usize;
    let movie = chunk(b"LIST", &[b"movi", &packet[..], &avi[movi + 4..movi + movi_len]].concat());
    let mut streams_patched = header;
    let count = 12 + 8 + 24; // dwStreams in avih.
    streams_patched[count] = 2;
    chunk(b"RIFF", &[b"AVI ", &streams_patched[..], &movie[..]].concat())
}

#[test]
fn an_external_data_reference_is_not_followed() {
    let workspace = Workspace::new();
    let decoy = Decoy::create(&workspace);
    let clip = fs::read(workspace.encode("own.mov", H264)).unwrap();
    workspace.write("elsewhere.mov", with_alias(&clip, decoy.0.to_str().unwrap()));
    for sandbox in ["auto", "off"] {
        let outcome = workspace.run(&["cut", "elsewhere.mov", "-q", "--force", "--sandbox", sandbox]);
        assert!(matches!(outcome.exit, Some(0 | 3)), "{outcome:?}");
        workspace.assert_no_process_left();
    }
    assert!(decoy.is_unread(), "the file beside the clip was read");
    ffmpeg(workspace.path(), "-enable_drefs 1 -use_absolute_path 1 -i elsewhere.mov -c copy -f null -");
    assert!(!decoy.is_unread(), "the clip names no other file, so the test proves nothing");
}

/// Turns the only data reference of a MOV (whose `moov` comes last) into an alias of the file at
/// `path`.
fn with_alias(mov: &[u8], path: &str) -> Vec<u8> {
    let mut alias = vec![0; 4 + 10 + 28 + 12 + 64 + 16 + 4 + 16];
    for field in
        [&[0, 2][..], &(path.len() as u16).to_be_bytes(), path.as_bytes(), &vec![0; path.len() % 2], &[0xFF; 4]]
    {
        alias.extend(field);
    }
    let atom = |name: &[u8], body: &[u8]| [&(body.len() as u32 + 8).to_be_bytes(), name, body].concat();
    let reference = atom(b"dref", &[&[0, 0, 0, 0, 0, 0, 0, 1], &atom(b"alis", &alias)[..]].concat());
    let start_of = |name: &[u8]| mov.windows(4).rposition(|window| window == name).unwrap() - 4;
    let size_at = |start: usize| u32::from_be_bytes(mov[start..start + 4].try_into().unwrap());
    let (dref, mut whole) = (mov.windows(4).rposition(|window| window == b"url ").unwrap() - 4 - 16, mov.to_vec());
    assert_eq!(&mov[dref + 4..dref + 8], b"dref");
    let grown = reference.len() as u32 - size_at(dref);
    for parent in [&b"moov"[..], b"trak", b"mdia", b"minf", b"dinf"] {
        let start = start_of(parent);
        whole[start..start + 4].copy_from_slice(&(size_at(start) + grown).to_be_bytes());
    }
    whole.splice(dref..dref + size_at(dref) as usize, reference);
    whole
}

#[test]
fn a_codec_that_is_not_allowed_is_refused_with_its_name() {
    let workspace = Workspace::new();
    for (name, arguments, codec) in [
        ("magic.mkv", "-c:v magicyuv", "magicyuv"),
        ("magic.avi", "-c:v magicyuv", "magicyuv"),
        ("cinema.mkv", "-c:v jpeg2000 -pix_fmt yuv420p", "jpeg2000"),
        ("old.avi", "-c:v asv1 -pix_fmt yuv420p", "asv1"),
    ] {
        workspace.encode(name, arguments);
        assert_invalid(&workspace, name, &format!("the video in track 1 is coded as {codec}"));
    }
    workspace.encode("talk.mkv", "-f lavfi -i sine=d=1 -c:v libx264 -c:a tta");
    assert_cut(&workspace, "talk.mkv");
}

#[test]
fn extreme_frame_sizes_are_cut_or_refused_with_the_reason() {
    let workspace = Workspace::new();
    workspace.encode("dot.mp4", "-vf scale=1:1 -pix_fmt yuv444p -c:v libx264");
    assert_cut(&workspace, "dot.mp4");
    workspace.encode("odd.mp4", "-vf scale=161:91 -pix_fmt yuv444p -c:v libx264");
    assert_cut(&workspace, "odd.mp4");
    workspace.encode("line.mov", "-vf scale=32767:1 -frames:v 2 -c:v png");
    assert_invalid(&workspace, "line.mov", "too large for webm");
    workspace.assert_refused(&["cut", "line.mov", "-q", "-f", "stacked-alpha"], 3, "INVALID_VIDEO", "16384");
    workspace.assert_refused(&["cut", "line.mov", "-q", "-f", "webp"], 3, "INVALID_VIDEO", "16383");
    let outcome = workspace.run(&["cut", "line.mov", "-q", "--size", "2048"]);
    assert_eq!(outcome.exit, Some(0), "{outcome:?}");
}

/// The frames of the clip are zeros, so a cut that decoded one would report damage.
#[test]
fn a_frame_size_too_large_for_a_format_is_refused_before_decoding() {
    let workspace = Workspace::new();
    let path = workspace.make(
        "large.mp4",
        "-f lavfi -i color=c=green:s=4096x2160:r=24 -frames:v 2 -c:v libx264 -pix_fmt yuv420p -movflags +faststart",
    );
    let mut clip = fs::read(&path).unwrap();
    let frames = clip.windows(4).position(|name| name == b"mdat").unwrap() + 4;
    clip[frames..].fill(0);
    fs::write(&path, clip).unwrap();
    let message = "4096×2160 is too large for webp, which takes 8294400 pixels";
    workspace.assert_refused(&["cut", "large.mp4", "-q", "-f", "webp"], 3, "INVALID_VIDEO", message);
    assert_invalid(&workspace, "large.mp4", "damaged");
}

#[test]
fn rates_and_lengths_beyond_the_limits_are_refused() {
    let workspace = Workspace::new();
    workspace.encode("fast.mp4", &format!("{H264} -r 1000"));
    assert_invalid(&workspace, "fast.mp4", "1000 frames/s");
    workspace.encode(
        "gap.mkv",
        "-vf setpts=N/24/TB+gte(N\\,12)*36000/TB -fps_mode passthrough -c:v libx264 -pix_fmt yuv420p",
    );
    assert_invalid(&workspace, "gap.mkv", "36000 s");
    let inputs = "-i plain.mkv ".repeat(60);
    let maps: String = (0..60).map(|input| format!("-map {input}:v ").repeat(5)).collect();
    workspace.encode("plain.mkv", H264);
    workspace.make("many.mkv", &format!("{inputs} {maps} -c copy"));
    assert_invalid(&workspace, "many.mkv", "300 streams");
}

#[test]
fn a_false_duration_in_the_header_is_ignored() {
    let workspace = Workspace::new();
    let clip = fs::read(workspace.encode("true.mp4", H264)).unwrap();
    for (name, duration) in [("long.mp4", 0x7FFF_FFFF_u32), ("short.mp4", 1)] {
        let mut modified = clip.clone();
        for (atom, offset) in [(b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)] {
            let at = modified.windows(4).position(|window| window == atom).unwrap();
            modified[at + offset..at + offset + 4].copy_from_slice(&duration.to_be_bytes());
        }
        workspace.write(name, modified);
        assert_cut(&workspace, name);
        let frames = probe(&workspace.join(name.replace(".mp4", "-cut.webm")), "nb_read_frames");
        assert_eq!(frames, "24", "{name}");
    }
}

#[test]
fn a_frame_rate_of_zero_is_replaced_by_the_frame_times_or_refused() {
    let workspace = Workspace::new();
    let clip = fs::read(workspace.encode("true.avi", "-c:v mpeg4 -q:v 3")).unwrap();
    let at = clip.windows(4).position(|window| window == b"strh").unwrap() + 8;
    let mut zero = clip;
    zero[at + 20..at + 28].fill(0);
    workspace.write("zero.avi", zero);
    assert_cut_or_invalid(&workspace, "zero.avi");
}

#[test]
fn all_of_many_tiny_frames_are_cut() {
    let workspace = Workspace::new();
    workspace
        .encode("many.mp4", "-vf scale=16:16,loop=loop=124:size=24 -c:v libx264 -preset ultrafast -pix_fmt yuv420p");
    assert_cut(&workspace, "many.mp4");
    let count = |name| probe(&workspace.join(name), "nb_read_frames").parse::<u32>().unwrap();
    assert!(count("many.mp4") > 2_900);
    assert_eq!(count("many-cut.webm"), count("many.mp4"));
}

#[test]
fn a_change_of_size_or_pixel_format_within_a_stream_keeps_the_first_size() {
    let workspace = Workspace::new();
    for (name, second) in [("size", "-vf scale=320:240 -pix_fmt yuvj420p"), ("pixels", "-pix_fmt yuvj444p")] {
        let first = fs::read(workspace.encode("first.mjpeg", "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p")).unwrap();
        let second = fs::read(workspace.encode("second.mjpeg", &format!("{second} -c:v mjpeg -q:v 3"))).unwrap();
        workspace.write("both.mjpeg", [first, second].concat());
        let clip = format!("{name}.avi");
        workspace.make(&clip, "-f mjpeg -r 24 -i both.mjpeg -c copy");
        assert_cut(&workspace, &clip);
        let probed = probe(&workspace.join(format!("{name}-cut.webm")), "width,height,nb_read_frames");
        assert_eq!(probed, "160,120,48", "{name}");
    }
}

#[test]
fn an_invalid_rotation_is_tolerated_or_refused() {
    let workspace = Workspace::new();
    workspace.encode("plain.mp4", H264);
    workspace.make("turned.mp4", "-i plain.mp4 -c copy -metadata:s:v rotate=33");
    assert_cut(&workspace, "turned.mp4");
    let mut scrambled = fs::read(workspace.join("plain.mp4")).unwrap();
    let at = scrambled.windows(4).position(|window| window == b"tkhd").unwrap() + 44;
    scrambled[at..at + 36].fill(0x7F);
    workspace.write("scrambled.mp4", scrambled);
    assert_cut_or_invalid(&workspace, "scrambled.mp4");
}

#[test]
fn an_encrypted_clip_is_refused_as_encrypted() {
    let workspace = Workspace::new();
    let encryption = "-encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb \
               -encryption_kid a7e61c373e219033c21091fa607bf3b8";
    workspace.encode("secret.mp4", &format!("{H264} {encryption}"));
    assert_invalid(&workspace, "secret.mp4", "encrypted");
}

#[test]
fn a_clip_damaged_in_the_middle_is_cut_or_refused() {
    let workspace = Workspace::new();
    for (name, arguments) in [("h.mp4", H264), ("m.mkv", H264), ("a.avi", "-c:v mpeg4 -q:v 3")] {
        let mut clip = fs::read(workspace.encode(name, arguments)).unwrap();
        let (start, len) = (clip.len() / 3, clip.len() / 3);
        for (index, byte) in clip[start..start + len].iter_mut().enumerate() {
            *byte ^= ((index * 97) >> 3) as u8;
        }
        workspace.write(name, clip);
        assert_cut_or_invalid(&workspace, name);
    }
}

#[test]
fn a_huge_animated_gif_is_refused_by_its_size() {
    let workspace = Workspace::new();
    let mut clip = fs::read(workspace.encode("small.gif", "-frames:v 3")).unwrap();
    clip[6..10].copy_from_slice(&[0x80, 0x3E, 0x80, 0x3E]);
    workspace.write("huge.gif", clip);
    assert_invalid(&workspace, "huge.gif", "36 million pixels");
}

#[test]
fn special_characters_in_file_names_are_neither_interpreted_nor_printed_raw() {
    let workspace = Workspace::new();
    let clip = fs::read(workspace.encode("clip.mp4", H264)).unwrap();
    fs::create_dir(workspace.join("sub")).unwrap();
    let names: [&[u8]; 7] = [
        b"two\nlines.mp4",
        b"-i.mp4",
        b"concat:a|b.mp4",
        b"%d it's \"q\".mp4",
        b"\xE2\x80\xAE4pm.mp4",
        b"\xFF\xFEraw.mp4",
        b"sub/../dots.mp4",
    ];
    for name in names {
        let name = Path::new(OsStr::from_bytes(name));
        workspace.write(name, &clip);
        let mut expected = name.file_stem().unwrap().to_owned();
        expected.push("-cut.webm");
        let outcome = workspace.run(&[OsStr::new("cut"), OsStr::new("--"), name.as_os_str()]);
        assert_eq!(outcome.exit, Some(0), "{name:?}: {outcome:?}");
        assert!(workspace.names().contains(&expected), "{name:?}: {:?}", workspace.names());
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains(['\u{202E}', '\r', '\x1b']) && !text.contains("two\n"), "{name:?}: {outcome:?}");
        }
        let again = workspace.run(&[OsStr::new("cut"), OsStr::new("--"), name.as_os_str()]);
        assert_eq!(again.exit, Some(4), "{name:?}: {again:?}");
        assert!(!again.stderr.contains('\u{202E}') && !again.stderr.contains("two\n"), "{name:?}: {again:?}");
        fs::remove_file(workspace.join(expected)).unwrap();
    }
}

#[test]
fn an_output_folder_that_cannot_be_written_is_refused_with_exit_code_4() {
    let workspace = Workspace::new();
    workspace.encode("clip.mp4", H264);
    workspace.write("file", "");
    let assert_refused = |output: &str, message| {
        workspace.assert_refused(&["cut", "clip.mp4", "-q", "-o", output], 4, "OUTPUT_UNWRITABLE", message);
    };
    assert_refused("absent/x.webm", "does not exist");
    assert_refused("file/x.webm", "does not exist");
    assert_refused("file/", "cannot be written");
    assert_refused("/proc/x.webm", "cannot be written");
}

#[test]
fn an_output_name_that_fits_no_format_is_refused_with_those_that_do() {
    let workspace = Workspace::new();
    workspace.encode("clip.mp4", H264);
    for (output, formats, message, hint) in [
        ("clip.mkv", "webm", "the extension of no format", ".webm (webm), .mp4 (stacked-alpha)"),
        ("clip.webm", "webp,mov", "not among the outputs", "Give it .webp or .mov, or name webm with --formats"),
    ] {
        let arguments = ["cut", "clip.mp4", "-q", "-o", output, "-f", formats];
        workspace.assert_refused(&arguments, 2, "INVALID_REQUEST", message);
        let outcome = workspace.run(&arguments);
        assert!(outcome.stderr.contains(hint), "{outcome:?}");
    }
    assert_eq!(workspace.names(), ["clip.mp4"]);
}

#[test]
fn an_output_folder_that_does_not_exist_is_made() {
    let workspace = Workspace::new();
    workspace.encode("clip.mp4", H264);
    for folder in ["new/", "two/levels/"] {
        let outcome = workspace.run(&["cut", "clip.mp4", "-q", "-f", "apng", "-o", folder]);
        assert_eq!(outcome.exit, Some(0), "{outcome:?}");
        assert!(workspace.join(folder).join("clip-cut.apng").is_file(), "{outcome:?}");
    }
}

#[test]
fn existing_files_and_folders_are_not_overwritten() {
    let workspace = Workspace::new();
    workspace.encode("clip.mp4", H264);
    workspace.write("clip-cut.webm", "precious");
    workspace.assert_refused(&["cut", "clip.mp4", "-q"], 4, "OUTPUT_EXISTS", "clip-cut.webm exists already");
    assert_eq!(fs::read(workspace.join("clip-cut.webm")).unwrap(), b"precious");
    fs::create_dir(workspace.join("taken.mov")).unwrap();
    workspace.write("taken.webm", "");
    workspace.assert_refused(
        &["cut", "clip.mp4", "-q", "--force", "-f", "webm,mov", "-o", "taken.webm"],
        4,
        "OUTPUT_EXISTS",
        "folder",
    );
}

#[test]
fn flag_values_out_of_range_are_usage_errors() {
    let workspace = Workspace::new();
    workspace.encode("clip.mp4", H264);
    for (flag, value, allowed) in [
        ("--tolerance", "101", "0 to 100"),
        ("--fps", "0", "1 to 60"),
        ("--size", "63", "64 to 2048"),
        ("--quality", "-1", "0 to 100"),
        ("--key", "greenish", "#RRGGBB"),
        ("--formats", "avi", "webm"),
        ("--sandbox", "maybe", "required"),
    ] {
        let before = workspace.names();
        let outcome = workspace.run(&["cut", "clip.mp4", &format!("{flag}={value}")]);
        assert_eq!(outcome.exit, Some(2), "{flag}: {outcome:?}");
        assert!(outcome.stderr.contains(flag) && outcome.stderr.contains(allowed), "{flag}: {outcome:?}");
        assert_eq!(workspace.names(), before, "{flag}");
    }
}

#[test]
fn a_border_without_a_dominant_color_is_refused_with_a_hint_at_the_key_option() {
    let workspace = Workspace::new();
    let noise = "-vf geq=r='255*random(1)':g='255*random(2)':b='255*random(3)' -c:v libx264 -crf 10 -pix_fmt yuv420p";
    workspace.encode("busy.mp4", noise);
    // With an installed model, `--method auto` would cut this clip.
    let by_color = ["cut", "busy.mp4", "-q", "--method", "chroma"];
    workspace.assert_refused(&by_color, 3, "NO_FLAT_BACKGROUND", "no flat background");
    assert!(workspace.run(&by_color).stderr.contains("--key"));
}

#[test]
fn keep_going_cuts_the_clips_after_a_bad_one() {
    let workspace = Workspace::new();
    let clip = fs::read(workspace.encode("good.mp4", H264)).unwrap();
    // The headers are valid and the frames are not, so the cut fails only while it runs.
    let mut bad = clip;
    let at = bad.windows(4).position(|window| window == b"mdat").unwrap() + 2000;
    let end = bad.len() - 1500;
    bad[at.min(end - 1)..end].iter_mut().enumerate().for_each(|(index, byte)| *byte ^= ((index * 97) >> 3) as u8);
    workspace.write("bad.mp4", bad);
    let outcome = workspace.run(&["cut", "-q", "--keep-going", "bad.mp4", "good.mp4"]);
    assert_eq!(outcome.exit, Some(3), "{outcome:?}");
    assert!(workspace.join("good-cut.webm").exists(), "{outcome:?}");
    assert!(!workspace.join("bad-cut.webm").exists(), "{outcome:?}");
}

/// Starts the cut of a clip that takes some seconds, and waits until the first frames are cut.
fn start_cut(workspace: &Workspace, options: &[&str]) -> std::process::Child {
    workspace.encode("short.mp4", H264);
    workspace.make("long.mp4", "-stream_loop 150 -i short.mp4 -c copy");
    let stdout = workspace.join("stdout.jsonl");
    let child = command(env!("CARGO_BIN_EXE_clearcut"))
        .args(["cut", "long.mp4", "--json", "-f", "webm,mov"])
        .args(options)
        .current_dir(workspace.path())
        .stdout(fs::File::create(&stdout).unwrap())
        .spawn()
        .unwrap();
    let has_progress = || {
        let text = fs::read_to_string(&stdout).unwrap();
        text.lines().any(|line| line.contains("\"cutting\"") && !line.contains("\"done\":0,"))
    };
    assert!(wait_until(has_progress), "the cut did not begin: {}", fs::read_to_string(&stdout).unwrap());
    child
}

#[test]
fn an_interrupted_cut_leaves_nothing_behind() {
    assert_interrupt_leaves_nothing(&[]);
}

#[test]
fn an_interrupted_cut_with_a_neural_model_leaves_nothing_behind() {
    assert_interrupt_leaves_nothing(&[
        "--method",
        "ai",
        "--runtime",
        "rten",
        "--models",
        &crate::models::installed_models_folder(),
    ]);
}

/// Interrupts a running cut and asserts that no process and no file of it remains.
fn assert_interrupt_leaves_nothing(options: &[&str]) {
    let workspace = Workspace::new();
    let mut child = start_cut(&workspace, options);
    let before = descendants(child.id());
    assert!(before.iter().any(|process| process.name == "ffmpeg"), "{before:?}");
    assert!(command("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(wait_for_exit(&mut child).code(), Some(130));
    let running = || before.iter().filter(|process| process.is_running()).collect::<Vec<_>>();
    assert!(!running().iter().any(|process| process.name.starts_with("ff")), "{:?}", running());
    // The kernel removes the empty sandboxes a moment later.
    assert!(wait_until(|| running().is_empty()), "{:?}", running());
    workspace.assert_no_process_left();
    assert_eq!(workspace.names(), ["long.mp4", "short.mp4", "stdout.jsonl"]);
}

#[test]
fn killing_a_cut_ends_its_child_processes_and_publishes_no_output() {
    for sandbox in ["auto", "off"] {
        let workspace = Workspace::new();
        let mut child = start_cut(&workspace, &["--sandbox", sandbox]);
        let before = descendants(child.id());
        assert!(before.iter().any(|process| process.name == "ffmpeg"), "{before:?}");
        // Stopped processes notice neither a closed pipe nor the end of input. Only a kill ends
        // them.
        let signal_all = |signal| {
            let ids = before.iter().filter(|process| process.name == "ffmpeg").map(|process| process.id.to_string());
            command("kill").arg(signal).args(ids).stderr(Stdio::null()).status().unwrap();
        };
        signal_all("-STOP");
        child.kill().unwrap();
        wait_for_exit(&mut child);
        let all_ended = wait_until(|| before.iter().all(|process| !process.is_running()));
        if !all_ended {
            signal_all("-KILL");
        }
        assert!(all_ended, "{sandbox}: {:?}", before.iter().filter(|process| process.is_running()).collect::<Vec<_>>());
        assert!(wait_until(|| workspace.processes().is_empty()), "{sandbox}: {:?}", workspace.processes());
        let names = workspace.names();
        assert!(!names.iter().any(|name| name.to_string_lossy().contains("-cut.")), "{sandbox}: {names:?}");
    }
}

/// Cuts `long.mp4` into the folder `out` in a separate mount namespace, after the shell command
/// `mount`. Then lists `out`.
fn cut_into(workspace: &Workspace, mount: &str) -> crate::run::Outcome {
    fs::create_dir(workspace.join("out")).unwrap();
    let program = env!("CARGO_BIN_EXE_clearcut");
    let script = format!("{mount} && {program} cut long.mp4 -q -f apng,mov -o out; code=$?; ls -A out; exit $code");
    workspace.run_program(&["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script].map(Into::into))
}

#[test]
fn a_full_disk_is_reported_and_leaves_no_file() {
    let workspace = Workspace::new();
    workspace.encode("long.mp4", H264);
    for size in ["160k", "64k"] {
        let outcome = cut_into(&workspace, &format!("mount -t tmpfs -o size={size} none out"));
        assert_eq!(outcome.exit, Some(1), "{size}: {outcome:?}");
        assert!(
            outcome.stderr.contains("(INSUFFICIENT_STORAGE)") && outcome.stderr.contains("Free some space"),
            "{size}: {outcome:?}"
        );
        assert_eq!(outcome.stdout, "", "{size}: files were left");
        workspace.assert_no_process_left();
        fs::remove_dir(workspace.join("out")).unwrap();
    }
}

#[test]
fn a_read_only_output_folder_is_refused_with_exit_code_4() {
    let workspace = Workspace::new();
    workspace.encode("long.mp4", H264);
    let outcome = cut_into(&workspace, "mount --bind out out && mount -o remount,bind,ro out");
    assert_eq!(outcome.exit, Some(4), "{outcome:?}");
    assert!(outcome.stderr.contains("(OUTPUT_UNWRITABLE)") && outcome.stderr.contains("-o"), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "files were left");
}
