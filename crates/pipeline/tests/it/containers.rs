//! Tests of the containers of broadcasts, cameras, discs and older programs, with their codecs.

use clearcut_job::OutputFormat;

use crate::{
    clips::{FRAMES, H264, HEIGHT, WIDTH},
    cutting::{cut, request},
    inputs::{Clips, assert_matted, assert_readable, cut_frames},
    media::{Decoded, ffmpeg, probe},
};

const MPEG2: &str = "-c:v mpeg2video -q:v 3 -bf 2 -pix_fmt yuv420p";

#[test]
fn transport_streams_are_read() {
    assert_readable("clip.ts", H264);
    assert_readable("timed.ts", &format!("{H264} -mpegts_m2ts_mode 1"));
    assert_readable("wraps.ts", &format!("{H264} -output_ts_offset 95441.9"));
    assert_readable("hevc.ts", "-c:v libx265 -x265-params log-level=none -preset ultrafast -pix_fmt yuv420p");
    assert_readable("disc.ts", MPEG2);
}

#[test]
fn program_streams_are_read() {
    assert_readable("clip.vob", MPEG2);
    assert_readable("clip.mpg", "-c:v mpeg1video -q:v 3 -bf 2 -pix_fmt yuv420p");
}

#[test]
fn flash_video_is_read() {
    assert_readable("clip.flv", H264);
    assert_readable("old.flv", "-c:v flv1 -q:v 3");
}

#[test]
fn windows_media_is_read() {
    assert_readable("clip.wmv", "-c:v wmv2 -q:v 3 -pix_fmt yuv420p");
    assert_readable("older.wmv", "-c:v wmv1 -q:v 3 -pix_fmt yuv420p");
    assert_readable("clip.asf", "-c:v msmpeg4 -q:v 3 -pix_fmt yuv420p");
}

#[test]
fn ogg_ivf_and_raw_frames_are_read() {
    assert_readable("clip.ogv", "-c:v libtheora -q:v 9");
    assert_readable("clip.ivf", "-c:v libvpx -b:v 600k -deadline realtime");
    assert_readable("clip.y4m", "-pix_fmt yuv420p");
}

#[test]
fn codecs_of_editors_are_read() {
    for (name, arguments) in [
        ("raw.mov", "-c:v rawvideo -pix_fmt uyvy422"),
        ("raw.avi", "-c:v rawvideo -pix_fmt bgr24"),
        ("v210.mov", "-c:v v210"),
        ("cineform.mov", "-c:v cfhd -pix_fmt gbrp12le"),
        ("ffv1.mkv", "-c:v ffv1"),
        ("huffyuv.avi", "-c:v huffyuv -pix_fmt rgb24"),
        ("utvideo.avi", "-c:v utvideo -pix_fmt gbrp"),
    ] {
        assert_readable(name, arguments);
    }
}

#[test]
fn dv_mxf_and_3gp_are_read_at_their_own_sizes_and_rates() {
    for (name, arguments, size) in [
        ("clip.dv", "-s 720x576 -aspect 5:4 -c:v dvvideo", None),
        ("dv.mov", "-s 720x576 -c:v dvvideo", None),
        ("clip.mxf", MPEG2, Some((WIDTH, HEIGHT))),
        ("clip.3gp", "-s 176x144 -c:v h263 -q:v 3", None),
    ] {
        let clips = Clips::new();
        // Twenty-five frames a second without a change of the frames.
        let clip = clips.encode(name, &format!("-vf setpts=N/25/TB -r 25 {arguments}"));
        let size = size.unwrap_or_else(|| {
            let cut = cut(&clip, &request("webm"));
            (cut.report.size.width() as usize, cut.report.size.height() as usize)
        });
        assert_matted(name, &cut_frames(&clip, size, "25/1", FRAMES));
    }
}

#[test]
fn sound_stays_in_sync_wherever_the_timestamps_start() {
    // The square turns white and the beep starts after one second.
    let video = "color=c=0x28be3c:s=160x120:r=24:d=2,drawbox=x=50:y=30:w=60:h=60:t=fill:c=0x303030,\
                 drawbox=x=50:y=30:w=60:h=60:t=fill:c=0xe0e0e0:enable='gte(n,24)'";
    let sound = "aevalsrc='0.8*sin(2*PI*1000*t)*gte(t,1)':s=48000:d=2";
    let x264 = "-c:v libx264 -preset veryfast -bf 3 -pix_fmt yuv420p";
    for (name, arguments) in [
        ("clip.ts", format!("{x264} -c:a aac")),
        ("wraps.ts", format!("{x264} -c:a aac -output_ts_offset 95441")),
        ("clip.flv", format!("{x264} -c:a aac")),
        ("clip.vob", format!("{MPEG2} -c:a mp2")),
        ("clip.wmv", "-c:v wmv2 -b:v 2M -pix_fmt yuv420p -c:a wmav2".to_owned()),
    ] {
        let clips = Clips::new();
        let clip = clips.make(name, &format!("-f lavfi -i {video} -f lavfi -i {sound} {arguments}"));
        let cut = cut(&clip, &request("webm"));
        let output = cut.output(OutputFormat::Webm);
        assert_eq!(probe(output, "r_frame_rate,nb_read_frames"), "24/1,48", "{name}");
        let (folder, file) = (output.parent().unwrap(), output.file_name().unwrap().to_str().unwrap());
        let gray = "crop=20:20:70:50,format=gray -fps_mode passthrough -f rawvideo -";
        let squares = ffmpeg(folder, &format!("-i {file} -vf {gray}"));
        let turned = squares.chunks_exact(400).position(|square| square[200] > 128).unwrap();
        assert_eq!(turned, 24, "{name}");
        let pcm = ffmpeg(folder, &format!("-i {file} -af aresample=async=1:first_pts=0 -ac 1 -ar 48000 -f s16le -"));
        let is_loud = |sample: &[u8]| i16::from_le_bytes([sample[0], sample[1]]).unsigned_abs() > 6000;
        let beep = pcm.chunks_exact(2).position(is_loud).unwrap() as f64 / 48_000.0;
        assert!((beep - 1.0).abs() < 0.012, "{name}: the beep starts at {beep:.3} s");
    }
}

/// A copy of the MP4 `file`, whose `moov` box is its last, in which the second track refers to the
/// first one as its alpha.
fn with_alpha_reference(mut file: Vec<u8>) -> Vec<u8> {
    let find = |file: &[u8], name: &[u8]| file.windows(4).rposition(|window| window == name).unwrap() - 4;
    let (movie, track) = (find(&file, b"moov"), find(&file, b"trak"));
    let reference = b"\0\0\0\x14tref\0\0\0\x0Cauxl\0\0\0\x01";
    for at in [movie, track] {
        let size = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) + reference.len() as u32;
        file[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    let header_end = find(&file, b"tkhd") + 92;
    file.splice(header_end..header_end, *reference);
    file
}

#[test]
fn alpha_in_a_track_of_its_own_is_the_alpha_of_the_clip() {
    // Clear but for a square, with black under it; the alpha of the square is 200.
    let inside = "between(X,50,109)*between(Y,30,89)";
    let color =
        format!("color=c=black:s=160x120:r=24:d=0.5,format=gbrp,geq=r='240*{inside}':g='130*{inside}':b='40*{inside}'");
    for (name, alpha, range) in [("full.mp4", "200", "pc"), ("limited.mp4", "16+200*219/255", "tv")] {
        let floor = if range == "tv" { 16 } else { 0 };
        let mask = format!("color=c=black:s=160x120:r=24:d=0.5,format=gray,geq=lum='if({inside},{alpha},{floor})'");
        let clips = Clips::new();
        let clip = clips.make(
            name,
            &format!(
                "-f lavfi -i {color} -f lavfi -i {mask} -map 0 -map 1 -c:v libaom-av1 -cpu-used 8 -crf 10 \
                 -pix_fmt:v:0 yuv420p -pix_fmt:v:1 gray -color_range:v:1 {range}"
            ),
        );
        std::fs::write(&clip, with_alpha_reference(std::fs::read(&clip).unwrap())).unwrap();
        let cut = cut(&clip, &request("webm"));
        assert!(cut.report.source.has_alpha, "{name}");
        let decoded = Decoded::read(cut.output(OutputFormat::Webm), (WIDTH, HEIGHT), false);
        assert_eq!(decoded.frames.len(), 12, "{name}");
        for frame in [0, 6, 11] {
            let [red, _, _, alpha] = decoded.mean(frame, (80, 60), 9);
            assert!((alpha - 200.0).abs() < 4.0 && red > 225.0, "{name}: {alpha} {red}");
            assert!(decoded.mean(frame, (10, 10), 9)[3] < 3.0, "{name}");
        }
    }
}
