//! What strangers send: each is refused by name and leaves nothing behind, or works and says so. One long file, since it is one list.

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
    run::{Place, descendants, end_of, within_guard},
};

/// `cut clip` is refused as an unfit clip, with these words.
fn unfit(place: &Place, clip: &str, words: &str) {
    place.refuses(&["cut", clip, "-q"], 3, "INVALID_VIDEO", words);
}

/// `cut clip` makes `NAME-cut.webm` and leaves nothing else.
fn works(place: &Place, clip: &str) {
    let mut expected = place.names();
    let outcome = place.run(&["cut", "-q", "--", clip]);
    assert_eq!(outcome.exit, Some(0), "{clip}: {outcome:?}");
    expected.push(format!("{}-cut.webm", Path::new(clip).file_stem().unwrap().to_str().unwrap()).into());
    expected.sort();
    assert_eq!(place.names(), expected, "{clip}");
    place.assert_nobody_works_here();
}

/// `cut clip` either works, or is refused as an unfit clip. Which of the two depends on where the damage hit.
fn works_or_is_unfit(place: &Place, clip: &str) {
    let before = place.names();
    let outcome = place.run(&["cut", clip, "-q"]);
    match outcome.exit {
        Some(0) => assert_eq!(place.names().len(), before.len() + 1, "{outcome:?}"),
        Some(3) => {
            assert!(outcome.stderr.contains("(INVALID_VIDEO)"), "{outcome:?}");
            assert_eq!(place.names(), before, "{outcome:?}");
        }
        _ => panic!("{clip}: {outcome:?}"),
    }
    place.assert_nobody_works_here();
}

#[test]
fn what_is_no_video_is_refused_by_name() {
    let place = Place::new();
    let mut huge = fs::read(place.encode("still.png", "-frames:v 1")).unwrap();
    huge[16..24].copy_from_slice(&SIXTEEN_THOUSAND_SQUARED);
    let cases: [(&str, &[u8], &str); 12] = [
        ("empty.mp4", b"", "empty"),
        ("one.mp4", b"x", "not a video"),
        ("text.mp4", b"a letter to a friend, much longer than the head of any container\n", "not a video"),
        ("drawing.mp4", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>", "not a video"),
        ("page.mp4", b"<?xml version='1.0'?><svg><image href='/etc/passwd'/></svg>", "XML"),
        ("art.mp4", b"XBIN\x1a\x50\x00\x19\x00\x10\x00", "not a video"),
        ("ansi.mp4", b"\x1b[2J\x1b[31mred\x1b[0m\n", "not a video"),
        ("flic.mp4", b"\x80\0\0\0\x12\xaf\x01\0\xa0\0\x78\0\x08\0", "not a video"),
        ("vvc.mp4", b"\0\0\0\x01\0\x79\0\x0b\x02\0\x80\0", "not a video"),
        ("zip.mp4", b"PK\x03\x04\x14\0\0\0\x08\0", "not a video"),
        ("gzip.mp4", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "not a video"),
        ("huge.mp4", &huge, "still image"),
    ];
    for (name, bytes, words) in cases {
        place.put(name, bytes);
        unfit(&place, name, words);
    }
    place.encode("still.jpg", "-frames:v 1");
    unfit(&place, "still.jpg", "still image");
    fs::create_dir(place.join("folder.mp4")).unwrap();
    place.refuses(&["cut", "folder.mp4"], 3, "INPUT_UNREADABLE", "not a file");
    place.refuses(&["cut", "absent.mp4"], 3, "INPUT_UNREADABLE", "no such file");
}

/// Width and height as a PNG header has them.
const SIXTEEN_THOUSAND_SQUARED: [u8; 8] = [0, 0, 0x3E, 0x80, 0, 0, 0x3E, 0x80];

#[test]
fn an_animated_png_with_a_huge_header_is_refused_before_decoding() {
    let place = Place::new();
    let mut clip = fs::read(place.encode("small.apng", "-frames:v 2 -c:v apng")).unwrap();
    clip[16..24].copy_from_slice(&SIXTEEN_THOUSAND_SQUARED);
    place.put("huge.apng", clip);
    unfit(&place, "huge.apng", "36 million pixels");
}

#[test]
fn a_cut_off_file_is_called_damaged() {
    let place = Place::new();
    let late = fs::read(place.encode("late.mp4", H264)).unwrap();
    place.put("no-moov.mp4", &late[..late.len() / 2]);
    unfit(&place, "no-moov.mp4", "damaged");
    let fast = fs::read(place.encode("fast.mp4", &format!("{H264} -movflags +faststart"))).unwrap();
    place.put("cut-off.mp4", &fast[..fast.len() * 2 / 3]);
    unfit(&place, "cut-off.mp4", "damaged");
    let start = fs::read(place.encode("whole.mkv", H264)).unwrap();
    place.put("head.mkv", &start[..200]);
    unfit(&place, "head.mkv", "damaged");
}

#[test]
fn a_file_without_moving_frames_has_no_video_stream() {
    let place = Place::new();
    place.make("sound.mp4", "-f lavfi -i sine=d=1 -c:a aac");
    unfit(&place, "sound.mp4", "no video stream");
    place.encode("cover.mp4", "-f lavfi -i sine=d=1 -map 0 -map 1 -frames:v 1 -c:v mjpeg -disposition:v attached_pic");
    unfit(&place, "cover.mp4", "no video stream");
}

/// A file whose last access can be told.
struct Decoy(std::path::PathBuf);

impl Decoy {
    /// Lies beside the clips as `decoy.mp4`, a fine clip of its own.
    fn in_place(place: &Place) -> Self {
        let path = place.encode("decoy.mp4", H264);
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_times(fs::FileTimes::new().set_accessed(long_ago)).unwrap();
        Self(path)
    }

    fn is_unread(&self) -> bool {
        fs::metadata(&self.0).unwrap().accessed().unwrap() < SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_001)
    }

    /// Nothing has read it; and had it, that would have been seen.
    fn assert_unread(&self) {
        assert!(self.is_unread(), "the file beside the clip was read");
        fs::read(&self.0).unwrap();
        assert!(!self.is_unread(), "this file system does not record access, so the test sees nothing");
    }
}

#[test]
fn texts_that_name_other_files_are_refused_and_not_followed() {
    let place = Place::new();
    let decoy = Decoy::in_place(&place);
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
    for (name, text, words) in cases {
        place.put(name, text);
        for sandbox in ["auto", "off"] {
            place.refuses(&["cut", name, "-q", "--sandbox", sandbox], 3, "INVALID_VIDEO", words);
        }
    }
    decoy.assert_unread();
}

#[test]
fn a_playlist_in_the_subtitles_of_an_avi_is_not_followed() {
    let place = Place::new();
    let decoy = Decoy::in_place(&place);
    let clip = fs::read(place.encode("plain.avi", "-c:v mpeg4 -q:v 3")).unwrap();
    place.put("gab2.avi", with_gab2(&clip, &format!("#EXTM3U\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", decoy.0.display())));
    assert_eq!(probe_streams(&place.join("gab2.avi")), "video\nsubtitle", "the clip holds no playlist");
    for sandbox in ["auto", "off"] {
        let outcome = place.run(&["cut", "gab2.avi", "-q", "--force", "--sandbox", sandbox]);
        assert!(matches!(outcome.exit, Some(0 | 3)), "{outcome:?}");
        place.assert_nobody_works_here();
    }
    decoy.assert_unread();
}

fn probe_streams(path: &Path) -> String {
    let arguments = ["-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0"];
    let said = command("ffprobe").args(arguments).arg(path).output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

/// Adds a subtitle stream to an AVI of one stream, whose only packet is `playlist`.
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
    let place = Place::new();
    let decoy = Decoy::in_place(&place);
    let clip = fs::read(place.encode("own.mov", H264)).unwrap();
    place.put("elsewhere.mov", with_alias(&clip, decoy.0.to_str().unwrap()));
    for sandbox in ["auto", "off"] {
        let outcome = place.run(&["cut", "elsewhere.mov", "-q", "--force", "--sandbox", sandbox]);
        assert!(matches!(outcome.exit, Some(0 | 3)), "{outcome:?}");
        place.assert_nobody_works_here();
    }
    assert!(decoy.is_unread(), "the file beside the clip was read");
    ffmpeg(place.path(), "-enable_drefs 1 -use_absolute_path 1 -i elsewhere.mov -c copy -f null -");
    assert!(!decoy.is_unread(), "the clip names no other file, so the test shows nothing");
}

/// Makes the only data reference of a MOV (whose `moov` comes last) an alias of the file at `path`.
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
fn codecs_outside_the_list_are_named() {
    let place = Place::new();
    for (name, arguments, codec) in [
        ("magic.mkv", "-c:v magicyuv", "magicyuv"),
        ("magic.avi", "-c:v magicyuv", "magicyuv"),
        ("ffv1.mkv", "-c:v ffv1", "ffv1"),
        ("old.avi", "-c:v huffyuv -pix_fmt yuv422p", "huffyuv"),
        ("talk.mkv", "-f lavfi -i sine=d=1 -c:v libx264 -c:a speex", "speex"),
    ] {
        place.encode(name, arguments);
        unfit(&place, name, &format!("coded as {codec}"));
    }
}

#[test]
fn extreme_shapes_work_or_say_why() {
    let place = Place::new();
    place.encode("dot.mp4", "-vf scale=1:1 -pix_fmt yuv444p -c:v libx264");
    works(&place, "dot.mp4");
    place.encode("odd.mp4", "-vf scale=161:91 -pix_fmt yuv444p -c:v libx264");
    works(&place, "odd.mp4");
    place.encode("line.mov", "-vf scale=32767:1 -frames:v 2 -c:v png");
    unfit(&place, "line.mov", "too large for webm");
    place.refuses(&["cut", "line.mov", "-q", "-f", "stacked-alpha"], 3, "INVALID_VIDEO", "16384");
    place.refuses(&["cut", "line.mov", "-q", "-f", "webp"], 3, "INVALID_VIDEO", "16383");
    let outcome = place.run(&["cut", "line.mov", "-q", "--size", "2048"]);
    assert_eq!(outcome.exit, Some(0), "{outcome:?}");
}

/// Its frames are zeros: one that was decoded would be called damaged.
#[test]
fn a_frame_that_a_format_cannot_hold_is_refused_before_a_frame_is_decoded() {
    let place = Place::new();
    let path = place.make(
        "large.mp4",
        "-f lavfi -i color=c=green:s=4096x2160:r=24 -frames:v 2 -c:v libx264 -pix_fmt yuv420p -movflags +faststart",
    );
    let mut clip = fs::read(&path).unwrap();
    let frames = clip.windows(4).position(|name| name == b"mdat").unwrap() + 4;
    clip[frames..].fill(0);
    fs::write(&path, clip).unwrap();
    let words = "4096×2160 is too large for webp, which takes 8294400 pixels";
    place.refuses(&["cut", "large.mp4", "-q", "-f", "webp"], 3, "INVALID_VIDEO", words);
    unfit(&place, "large.mp4", "damaged");
}

#[test]
fn rates_and_lengths_beyond_the_limits_are_refused() {
    let place = Place::new();
    place.encode("fast.mp4", &format!("{H264} -r 1000"));
    unfit(&place, "fast.mp4", "1000 frames/s");
    place.encode(
        "gap.mkv",
        "-vf setpts=N/24/TB+gte(N\\,12)*36000/TB -fps_mode passthrough -c:v libx264 -pix_fmt yuv420p",
    );
    unfit(&place, "gap.mkv", "36000 s");
    let inputs = "-i plain.mkv ".repeat(60);
    let maps: String = (0..60).map(|input| format!("-map {input}:v ").repeat(5)).collect();
    place.encode("plain.mkv", H264);
    place.make("many.mkv", &format!("{inputs} {maps} -c copy"));
    unfit(&place, "many.mkv", "300 streams");
}

#[test]
fn a_length_that_lies_is_not_believed() {
    let place = Place::new();
    let clip = fs::read(place.encode("true.mp4", H264)).unwrap();
    for (name, duration) in [("long.mp4", 0x7FFF_FFFF_u32), ("short.mp4", 1)] {
        let mut lying = clip.clone();
        for (atom, offset) in [(b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)] {
            let at = lying.windows(4).position(|window| window == atom).unwrap();
            lying[at + offset..at + offset + 4].copy_from_slice(&duration.to_be_bytes());
        }
        place.put(name, lying);
        works(&place, name);
        let frames = probe(&place.join(name.replace(".mp4", "-cut.webm")), "nb_read_frames");
        assert_eq!(frames, "24", "{name}");
    }
}

#[test]
fn a_rate_of_zero_is_settled_by_the_times_of_the_frames() {
    let place = Place::new();
    let clip = fs::read(place.encode("true.avi", "-c:v mpeg4 -q:v 3")).unwrap();
    let at = clip.windows(4).position(|window| window == b"strh").unwrap() + 8;
    let mut zero = clip;
    zero[at + 20..at + 28].fill(0);
    place.put("zero.avi", zero);
    works_or_is_unfit(&place, "zero.avi");
}

#[test]
fn many_tiny_frames_are_all_cut() {
    let place = Place::new();
    place.encode("many.mp4", "-vf scale=16:16,loop=loop=124:size=24 -c:v libx264 -preset ultrafast -pix_fmt yuv420p");
    works(&place, "many.mp4");
    let count = |name| probe(&place.join(name), "nb_read_frames").parse::<u32>().unwrap();
    assert!(count("many.mp4") > 2_900);
    assert_eq!(count("many-cut.webm"), count("many.mp4"));
}

#[test]
fn a_change_of_size_or_pixel_format_in_mid_stream_keeps_the_first_size() {
    let place = Place::new();
    for (name, second) in [("size", "-vf scale=320:240 -pix_fmt yuvj420p"), ("pixels", "-pix_fmt yuvj444p")] {
        let first = fs::read(place.encode("first.mjpeg", "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p")).unwrap();
        let second = fs::read(place.encode("second.mjpeg", &format!("{second} -c:v mjpeg -q:v 3"))).unwrap();
        place.put("both.mjpeg", [first, second].concat());
        let clip = format!("{name}.avi");
        place.make(&clip, "-f mjpeg -r 24 -i both.mjpeg -c copy");
        works(&place, &clip);
        let said = probe(&place.join(format!("{name}-cut.webm")), "width,height,nb_read_frames");
        assert_eq!(said, "160,120,48", "{name}");
    }
}

#[test]
fn a_nonsense_rotation_does_no_harm() {
    let place = Place::new();
    place.encode("plain.mp4", H264);
    place.make("turned.mp4", "-i plain.mp4 -c copy -metadata:s:v rotate=33");
    works(&place, "turned.mp4");
    let mut scrambled = fs::read(place.join("plain.mp4")).unwrap();
    let at = scrambled.windows(4).position(|window| window == b"tkhd").unwrap() + 44;
    scrambled[at..at + 36].fill(0x7F);
    place.put("scrambled.mp4", scrambled);
    works_or_is_unfit(&place, "scrambled.mp4");
}

#[test]
fn an_encrypted_clip_is_called_so() {
    let place = Place::new();
    let key = "-encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb \
               -encryption_kid a7e61c373e219033c21091fa607bf3b8";
    place.encode("secret.mp4", &format!("{H264} {key}"));
    unfit(&place, "secret.mp4", "encrypted");
}

#[test]
fn damage_in_the_middle_works_or_is_refused() {
    let place = Place::new();
    for (name, arguments) in [("h.mp4", H264), ("m.mkv", H264), ("a.avi", "-c:v mpeg4 -q:v 3")] {
        let mut clip = fs::read(place.encode(name, arguments)).unwrap();
        let (start, len) = (clip.len() / 3, clip.len() / 3);
        for (index, byte) in clip[start..start + len].iter_mut().enumerate() {
            *byte ^= ((index * 97) >> 3) as u8;
        }
        place.put(name, clip);
        works_or_is_unfit(&place, name);
    }
}

#[test]
fn a_huge_animated_gif_is_refused_by_its_size() {
    let place = Place::new();
    let mut clip = fs::read(place.encode("small.gif", "-frames:v 3")).unwrap();
    clip[6..10].copy_from_slice(&[0x80, 0x3E, 0x80, 0x3E]);
    place.put("huge.gif", clip);
    unfit(&place, "huge.gif", "36 million pixels");
}

#[test]
fn names_of_any_kind_are_only_names() {
    let place = Place::new();
    let clip = fs::read(place.encode("clip.mp4", H264)).unwrap();
    fs::create_dir(place.join("sub")).unwrap();
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
        place.put(name, &clip);
        let mut expected = name.file_stem().unwrap().to_owned();
        expected.push("-cut.webm");
        let outcome = place.run(&[OsStr::new("cut"), OsStr::new("--"), name.as_os_str()]);
        assert_eq!(outcome.exit, Some(0), "{name:?}: {outcome:?}");
        assert!(place.names().contains(&expected), "{name:?}: {:?}", place.names());
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains(['\u{202E}', '\r', '\x1b']) && !text.contains("two\n"), "{name:?}: {outcome:?}");
        }
        let again = place.run(&[OsStr::new("cut"), OsStr::new("--"), name.as_os_str()]);
        assert_eq!(again.exit, Some(4), "{name:?}: {again:?}");
        assert!(!again.stderr.contains('\u{202E}') && !again.stderr.contains("two\n"), "{name:?}: {again:?}");
        fs::remove_file(place.join(expected)).unwrap();
    }
}

#[test]
fn an_output_folder_that_cannot_be_written_is_the_outputs_fault() {
    let place = Place::new();
    place.encode("clip.mp4", H264);
    place.put("file", "");
    let refuses =
        |output: &str, words| place.refuses(&["cut", "clip.mp4", "-q", "-o", output], 4, "OUTPUT_UNWRITABLE", words);
    refuses("absent/x.webm", "does not exist");
    refuses("absent/", "does not exist");
    refuses("file/x.webm", "does not exist");
    refuses("/proc/x.webm", "cannot be written");
}

#[test]
fn a_file_in_the_way_is_kept() {
    let place = Place::new();
    place.encode("clip.mp4", H264);
    place.put("clip-cut.webm", "precious");
    place.refuses(&["cut", "clip.mp4", "-q"], 4, "OUTPUT_EXISTS", "clip-cut.webm exists already");
    assert_eq!(fs::read(place.join("clip-cut.webm")).unwrap(), b"precious");
    fs::create_dir(place.join("taken.mov")).unwrap();
    place.put("taken.webm", "");
    place.refuses(
        &["cut", "clip.mp4", "-q", "--force", "-f", "webm,mov", "-o", "taken.webm"],
        4,
        "OUTPUT_EXISTS",
        "folder",
    );
}

#[test]
fn flag_values_outside_their_range_are_usage_errors() {
    let place = Place::new();
    place.encode("clip.mp4", H264);
    for (flag, value, allowed) in [
        ("--tolerance", "101", "0 to 100"),
        ("--fps", "0", "1 to 60"),
        ("--size", "63", "64 to 2048"),
        ("--quality", "-1", "0 to 100"),
        ("--key", "greenish", "#RRGGBB"),
        ("--formats", "gif", "webm"),
        ("--sandbox", "maybe", "required"),
    ] {
        let before = place.names();
        let outcome = place.run(&["cut", "clip.mp4", &format!("{flag}={value}")]);
        assert_eq!(outcome.exit, Some(2), "{flag}: {outcome:?}");
        assert!(outcome.stderr.contains(flag) && outcome.stderr.contains(allowed), "{flag}: {outcome:?}");
        assert_eq!(place.names(), before, "{flag}");
    }
}

#[test]
fn a_border_without_a_dominant_color_is_refused_naming_the_key() {
    let place = Place::new();
    let noise = "-vf geq=r='255*random(1)':g='255*random(2)':b='255*random(3)' -c:v libx264 -crf 10 -pix_fmt yuv420p";
    place.encode("busy.mp4", noise);
    // Whether the machine has a network or not: one that has cuts the clip with it unless told not to.
    let by_color = ["cut", "busy.mp4", "-q", "--method", "chroma"];
    place.refuses(&by_color, 3, "NO_FLAT_BACKGROUND", "no flat background");
    assert!(place.run(&by_color).stderr.contains("--key"));
}

#[test]
fn one_bad_clip_does_not_stop_the_others_when_asked_to_go_on() {
    let place = Place::new();
    let clip = fs::read(place.encode("good.mp4", H264)).unwrap();
    // Headers are sound, the frames are not: the cut fails only while it runs.
    let mut bad = clip;
    let at = bad.windows(4).position(|window| window == b"mdat").unwrap() + 2000;
    let end = bad.len() - 1500;
    bad[at.min(end - 1)..end].iter_mut().enumerate().for_each(|(index, byte)| *byte ^= ((index * 97) >> 3) as u8);
    place.put("bad.mp4", bad);
    let outcome = place.run(&["cut", "-q", "--keep-going", "bad.mp4", "good.mp4"]);
    assert_eq!(outcome.exit, Some(3), "{outcome:?}");
    assert!(place.join("good-cut.webm").exists(), "{outcome:?}");
    assert!(!place.join("bad-cut.webm").exists(), "{outcome:?}");
}

/// A clip that takes some seconds to cut, and the cut running: frames are with the encoders.
fn cut_in_progress(place: &Place, words: &[&str]) -> std::process::Child {
    place.encode("short.mp4", H264);
    place.make("long.mp4", "-stream_loop 150 -i short.mp4 -c copy");
    let told = place.join("told.jsonl");
    let child = command(env!("CARGO_BIN_EXE_clearcut"))
        .args(["cut", "long.mp4", "--json", "-f", "webm,mov"])
        .args(words)
        .current_dir(place.path())
        .stdout(fs::File::create(&told).unwrap())
        .spawn()
        .unwrap();
    let underway = || {
        let told = fs::read_to_string(&told).unwrap();
        told.lines().any(|line| line.contains("\"cutting\"") && !line.contains("\"done\":0,"))
    };
    assert!(within_guard(underway), "the cut did not begin: {}", fs::read_to_string(&told).unwrap());
    child
}

#[test]
fn an_interrupted_cut_leaves_nothing_behind() {
    interrupted(&[]);
}

#[test]
fn an_interrupted_cut_by_a_network_leaves_nothing_behind() {
    interrupted(&["--method", "ai", "--runtime", "rten", "--models", &crate::models::installed()]);
}

fn interrupted(words: &[&str]) {
    let place = Place::new();
    let mut child = cut_in_progress(&place, words);
    let before = descendants(child.id());
    assert!(before.iter().any(|process| process.name == "ffmpeg"), "{before:?}");
    assert!(command("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(end_of(&mut child).code(), Some(130));
    let living = || before.iter().filter(|process| process.lives()).collect::<Vec<_>>();
    assert!(!living().iter().any(|process| process.name.starts_with("ff")), "{:?}", living());
    // The empty sandboxes are the kernel's to clear away.
    assert!(within_guard(|| living().is_empty()), "{:?}", living());
    place.assert_nobody_works_here();
    assert_eq!(place.names(), ["long.mp4", "short.mp4", "told.jsonl"]);
}

#[test]
fn a_killed_cut_takes_its_children_along_and_publishes_nothing() {
    for sandbox in ["auto", "off"] {
        let place = Place::new();
        let mut child = cut_in_progress(&place, &["--sandbox", sandbox]);
        let before = descendants(child.id());
        assert!(before.iter().any(|process| process.name == "ffmpeg"), "{before:?}");
        // Stopped, they notice neither a closed pipe nor an end of input: only being killed ends them.
        let signal_all = |signal| {
            let ids = before.iter().filter(|process| process.name == "ffmpeg").map(|process| process.id.to_string());
            command("kill").arg(signal).args(ids).stderr(Stdio::null()).status().unwrap();
        };
        signal_all("-STOP");
        child.kill().unwrap();
        end_of(&mut child);
        let gone = within_guard(|| before.iter().all(|process| !process.lives()));
        if !gone {
            signal_all("-KILL");
        }
        assert!(gone, "{sandbox}: {:?}", before.iter().filter(|process| process.lives()).collect::<Vec<_>>());
        assert!(within_guard(|| place.processes().is_empty()), "{sandbox}: {:?}", place.processes());
        let names = place.names();
        assert!(!names.iter().any(|name| name.to_string_lossy().contains("-cut.")), "{sandbox}: {names:?}");
    }
}

/// Runs `line` of a shell in a mount namespace of its own, with `out` being a file system mounted by `mount`.
fn cut_into(place: &Place, mount: &str) -> crate::run::Outcome {
    fs::create_dir(place.join("out")).unwrap();
    let program = env!("CARGO_BIN_EXE_clearcut");
    let script = format!("{mount} && {program} cut long.mp4 -q -f apng,mov -o out; code=$?; ls -A out; exit $code");
    place.run_program(&["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script].map(Into::into))
}

#[test]
fn a_full_disk_is_named_and_leaves_no_file() {
    let place = Place::new();
    place.encode("long.mp4", H264);
    for size in ["160k", "64k"] {
        let outcome = cut_into(&place, &format!("mount -t tmpfs -o size={size} none out"));
        assert_eq!(outcome.exit, Some(1), "{size}: {outcome:?}");
        assert!(
            outcome.stderr.contains("(INSUFFICIENT_STORAGE)") && outcome.stderr.contains("Free some space"),
            "{size}: {outcome:?}"
        );
        assert_eq!(outcome.stdout, "", "{size}: something was left");
        place.assert_nobody_works_here();
        fs::remove_dir(place.join("out")).unwrap();
    }
}

#[test]
fn a_read_only_folder_is_the_outputs_fault() {
    let place = Place::new();
    place.encode("long.mp4", H264);
    let outcome = cut_into(&place, "mount --bind out out && mount -o remount,bind,ro out");
    assert_eq!(outcome.exit, Some(4), "{outcome:?}");
    assert!(outcome.stderr.contains("(OUTPUT_UNWRITABLE)") && outcome.stderr.contains("-o"), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "something was left");
}
