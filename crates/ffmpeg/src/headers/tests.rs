//! Tests of the ffprobe parser: rates, rotation, colors, alpha and rejected clips.

use serde_json::{Value, json};

use super::*;

fn capabilities() -> Capabilities {
    let banner = "ffmpeg version 5.1\nconfiguration: --enable-libzimg";
    let codecs = " DEV.L. vp9  VP9 (decoders: vp9 libvpx-vp9 ) (encoders: libvpx-vp9 )\n DEV.L. vp8  VP8\n DEV.L. h264  H.264\n\
                  DEV.L. prores  ProRes\n DEV.L. qtrle  Animation\n DEV.L. gif  GIF\n";
    Capabilities::parse(banner, codecs)
}

fn video(changes: &Value) -> Value {
    let mut stream = json!({
        "index": 0, "codec_type": "video", "codec_name": "h264", "width": 1280, "height": 720, "pix_fmt": "yuv420p",
        "sample_aspect_ratio": "1:1", "r_frame_rate": "24/1", "avg_frame_rate": "24/1",
    });
    for (key, value) in changes.as_object().unwrap() {
        stream[key] = value.clone();
    }
    stream
}

fn parse(streams: &[Value]) -> Result<HeaderInfo, Error> {
    parse_in(Container::Mov, streams)
}

fn parse_in(container: Container, streams: &[Value]) -> Result<HeaderInfo, Error> {
    let json = json!({ "streams": streams }).to_string();
    parse_streams(container, json.as_bytes(), &[], &MediaLimits::default(), &capabilities())
}

fn info_of(changes: &Value) -> MediaInfo {
    parse(&[video(changes)]).unwrap_or_else(|error| panic!("{changes}: {error}")).info()
}

fn rejection<T>(result: Result<T, Error>) -> MediaError {
    match result {
        Err(Error::Media(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("not rejected"),
    }
}

/// Probes a clip with these header fields and frame times in seconds.
fn probed(changes: &Value, starts: &[f64]) -> Result<MediaInfo, Error> {
    let lines: Vec<_> = starts.iter().map(|start| format!("0,{start:.6},N/A,N/A,N/A,K_")).collect();
    probed_from(changes, &lines.join("\n"))
}

fn probed_from(changes: &Value, lines: &str) -> Result<MediaInfo, Error> {
    probed_in(Container::Mov, changes, lines)
}

fn probed_in(container: Container, changes: &Value, lines: &str) -> Result<MediaInfo, Error> {
    let mut stated = parse_in(container, &[video(changes)])?;
    let packets = Packets::parse(lines.as_bytes(), stated.so_far().stream, container)?;
    if stated.frame_count.is_some_and(|count| packets.lacks_frames(count)) {
        return Err(MediaError::Damaged.into());
    }
    apply_packets(&mut stated, &packets, &MediaLimits::default())?;
    Ok(stated.info())
}

fn steady(count: usize, rate: f64) -> Vec<f64> {
    (0..count).map(|index| index as f64 / rate).collect()
}

#[test]
fn a_steady_clip_keeps_its_rate_and_every_frame() {
    let info = probed(&json!({"r_frame_rate": "30000/1001"}), &steady(300, 30_000.0 / 1001.0)).unwrap();
    assert_eq!((info.frame_rate.to_string().as_str(), info.has_variable_rate, info.frames), ("30000/1001", false, 300));
    assert!((info.duration.as_secs_f64() - 10.01).abs() < 1e-6);
}

#[test]
fn reordered_frame_times_do_not_make_the_rate_variable() {
    let info = probed(&json!({}), &[0.0, 4.0 / 24.0, 2.0 / 24.0, 1.0 / 24.0, 3.0 / 24.0]).unwrap();
    assert!(!info.has_variable_rate);
}

#[test]
fn uneven_frame_times_make_the_rate_variable() {
    let info = probed(&json!({}), &[0.0, 0.1, 0.15, 0.5, 1.0]).unwrap();
    assert!(info.has_variable_rate);
    assert_eq!(info.frame_rate.to_string(), "12/1");
    assert!((info.duration.as_secs_f64() - (1.0 + 1.0 / 12.0)).abs() < 1e-6);
    let coarse = probed(&json!({"r_frame_rate": "1000/1", "avg_frame_rate": "0/0"}), &[0.0, 0.03, 0.07, 0.2]).unwrap();
    assert_eq!(coarse.frame_rate.to_string(), "24/1");
}

#[test]
fn coarse_timestamps_do_not_hide_the_usual_rate() {
    let starts: Vec<f64> = (0..240).map(|index| f64::from(index * 4167) / 1e5).collect();
    let info = probed(&json!({"r_frame_rate": "100000/4167", "avg_frame_rate": "24/1"}), &starts).unwrap();
    assert_eq!((info.frame_rate.to_string().as_str(), info.has_variable_rate), ("24/1", false));
}

#[test]
fn frames_hidden_by_an_edit_list_are_neither_counted_nor_reported_missing() {
    let lines = "0,-0.083333,,,,KD\n0,-0.041667,,,,_D\n0,0.000000,,,,__\n0,0.041667,,,,__\n";
    let info = probed_from(&json!({"nb_frames": "4"}), lines).unwrap();
    assert_eq!((info.frames, info.video_start_secs), (2, 0.0));
    assert_eq!(rejection(probed_from(&json!({"nb_frames": "5"}), lines)), MediaError::Damaged);
}

#[test]
fn empty_slots_of_an_avi_make_the_rate_variable() {
    let clip = |slots: u32| json!({"nb_frames": slots.to_string()});
    // Reordered frames have no presentation time in an AVI; slots 2 and 3 are empty.
    let lines =
        "0,0.000000,0,0.000000,N/A,K_\n0,N/A,1,0.041667,N/A,__\n0,N/A,4,0.166667,N/A,__\n0,N/A,5,0.208333,N/A,__\n";
    let info = probed_in(Container::Avi, &clip(6), lines).unwrap();
    assert_eq!((info.frames, info.has_variable_rate, info.frame_rate.to_string().as_str()), (4, true, "24/1"));
    assert!((info.duration.as_secs_f64() - 6.0 / 24.0).abs() < 1e-5, "{:?}", info.duration);
    assert_eq!(rejection(probed_in(Container::Avi, &clip(9), lines)), MediaError::Damaged);
    assert_eq!(rejection(probed_in(Container::Mov, &clip(6), lines)), MediaError::Damaged);
}

#[test]
fn packets_of_other_streams_and_malformed_lines_are_ignored() {
    let lines = "1,0.0,0,0.0,N/A,K_\n0,0.0,0,0.0,N/A,K_\n\n,,,,\n0\nx,y,z,k,f\n0,N/A,N/A,N/A,N/A,__\n";
    assert_eq!(probed_from(&json!({}), lines).unwrap().frames, 2);
    assert_eq!(rejection(probed_from(&json!({}), "1,0.0,0,0.0,N/A,K_\n")), MediaError::Damaged);
    assert_eq!(rejection(probed_from(&json!({}), "")), MediaError::Damaged);
}

#[test]
fn packets_with_encryption_info_mark_the_video_as_encrypted() {
    let lines = "0,0.0,0,0.0,N/A,K_,Encryption info\n0,0.04,1,0.04,N/A,__,Encryption info\n";
    assert_eq!(rejection(probed_from(&json!({}), lines)), MediaError::Encrypted);
}

#[test]
fn a_clip_over_the_length_limit_is_rejected() {
    let long = probed(&json!({}), &[0.0, 1.0 / 24.0, 36_000.0]);
    assert!(matches!(rejection(long), MediaError::OverLimit { found, .. } if found == "36000 s"));
}

#[test]
fn only_a_quarter_turn_swaps_width_and_height() {
    for (rotation, degrees, size) in [
        (json!(-90), 90, (720, 1280)),
        (json!(90), 270, (720, 1280)),
        (json!(180), 180, (1280, 720)),
        (json!(-180), 180, (1280, 720)),
        (json!(89), 270, (720, 1280)),
        (json!(-0.4), 0, (1280, 720)),
        (json!(33), 327, (1280, 720)),
        (json!(-2_147_483_648_i64), 128, (1280, 720)),
    ] {
        let info = info_of(&json!({"side_data_list": [{"side_data_type": "x"}, {"rotation": rotation}]}));
        assert_eq!((info.rotation_degrees, (info.size.width(), info.size.height())), (degrees, size), "{rotation}");
    }
}

#[test]
fn plausible_pixel_aspect_ratios_are_applied_to_the_width() {
    for (aspect, width) in
        [("1:1", 1280), ("4:3", 1707), ("0:1", 1280), ("1:0", 1280), ("1:1000", 1280), ("x", 1280), ("9:1", 1280)]
    {
        assert_eq!(info_of(&json!({"sample_aspect_ratio": aspect})).size.width(), width, "{aspect}");
    }
}

#[test]
fn alpha_is_detected_from_pixel_format_and_container_tag() {
    for (changes, has_alpha, decoder) in [
        (json!({}), false, None),
        (json!({"codec_name": "vp9", "tags": {"alpha_mode": "1"}}), true, Some("libvpx-vp9")),
        (json!({"codec_name": "vp9", "tags": {"ALPHA_MODE": "1"}}), true, Some("libvpx-vp9")),
        (json!({"codec_name": "vp9", "tags": {"alpha_mode": "0"}}), false, None),
        (json!({"codec_name": "vp8", "tags": {"alpha_mode": "1"}}), false, None), // No libvpx for VP8 here.
        (json!({"codec_name": "prores", "pix_fmt": "yuva444p12le"}), true, None),
        (json!({"codec_name": "qtrle", "pix_fmt": "argb"}), true, None),
        (json!({"codec_name": "gif", "pix_fmt": "bgra"}), true, None),
    ] {
        let info = info_of(&changes);
        assert_eq!((info.has_alpha, info.decoder), (has_alpha, decoder), "{changes}");
    }
}

#[test]
fn unstated_colors_are_guessed_and_hdr_is_detected() {
    assert_eq!(info_of(&json!({})).color, ColorTags::BT709);
    assert_eq!(info_of(&json!({"height": 480})).color, ColorTags::BT601_525);
    assert_eq!(info_of(&json!({"color_space": "bt470bg"})).color, ColorTags::BT601_625);
    let hdr = info_of(&json!({"color_transfer": "smpte2084"}));
    assert!(hdr.conversion.unwrap().is_hdr() && hdr.notes[0].code == NoteCode::ColorConverted, "{hdr:?}");
    let full = info_of(&json!({"color_primaries": "smpte432", "color_range": "pc"})).conversion.unwrap();
    assert_eq!(full, ColorConversion { code_points: [12, 1, 1], has_full_range: true });
}

#[test]
fn colors_that_cannot_be_converted_are_rejected_by_name() {
    let rejected = |changes| rejection(parse(&[video(&changes)]));
    assert_eq!(
        rejected(json!({"color_space": "ipt-c2"})),
        MediaError::UnsupportedColors { colors: "ipt-c2".to_owned() }
    );
    let dolby = |profile: u8, id: u8| json!({"side_data_list": [{"rotation": 0}, {"dv_profile": profile, "dv_bl_signal_compatibility_id": id}]});
    for (profile, id) in [(5, 0), (10, 0)] {
        assert_eq!(rejected(dolby(profile, id)), MediaError::DolbyVision { profile });
    }
    for (profile, id) in [(8, 1), (8, 4), (7, 6), (10, 1)] {
        assert!(info_of(&dolby(profile, id)).conversion.is_none());
    }
    let json = json!({"streams": [video(&json!({"color_primaries": "bt2020"}))]}).to_string();
    let without = parse_streams(
        Container::Mov,
        json.as_bytes(),
        &[],
        &MediaLimits::default(),
        &Capabilities::parse("", " DEV.L. h264  H.264"),
    );
    assert_eq!(rejection(without), MediaError::NoColorConversion { colors: "BT.2020".to_owned() });
}

#[test]
fn unusable_clips_are_rejected_with_the_reason() {
    let cover = json!({"index": 0, "codec_type": "video", "codec_name": "mjpeg", "disposition": {"attached_pic": 1}});
    let sound = json!({"index": 1, "codec_type": "audio", "codec_name": "aac", "channels": 2});
    assert_eq!(rejection(parse(&[])), MediaError::NoVideoStream);
    assert_eq!(rejection(parse(&[cover, sound])), MediaError::NoVideoStream);
    let codec = rejection(parse(&[video(&json!({"codec_name": "evil\u{1b}[2J codec"}))]));
    assert_eq!(codec, MediaError::UnsupportedCodec { track: 1, codec: "evil2Jcodec".to_owned() });
    assert_eq!(rejection(parse(&[video(&json!({"width": 0}))])), MediaError::Damaged);
    let many: Vec<_> = (0..65).map(|index| video(&json!({"index": index}))).collect();
    assert!(matches!(rejection(parse(&many)), MediaError::OverLimit { .. }));
    let large = rejection(parse(&[video(&json!({"width": 16_000, "height": 16_000}))]));
    assert!(matches!(large, MediaError::OverLimit { .. }));
    for garbage in ["", "{", "7", "{\"streams\": 5}", "\u{0}"] {
        let parsed = parse_streams(Container::Mov, garbage.as_bytes(), &[], &MediaLimits::default(), &capabilities());
        assert_eq!(rejection(parsed), MediaError::Damaged, "{garbage:?}");
    }
}

#[test]
fn ffprobe_messages_map_to_specific_errors() {
    let error_for = |message| diagnose(message, &MediaLimits::default());
    let large = error_for("[IMGUTILS @ 0x7] Frame size 16000x16000 exceeds specified max pixel count 36000000, see");
    assert!(matches!(large, MediaError::OverLimit { .. }));
    assert_eq!(error_for("moov atom not found"), MediaError::Damaged);
    let unopenable = error_for("[aac @ 0x5] Audio object type 42\nCould not open codec for input stream 1\n");
    assert_eq!(unopenable, MediaError::UnopenableTrack { track: 2 });
}

#[test]
fn times_that_no_duration_can_hold_exceed_the_limit() {
    let times = "0,0.0,N/A,N/A,N/A,K_\n0,90000000000000000000000.0,N/A,N/A,N/A,K_";
    assert!(matches!(rejection(probed_from(&json!({}), times)), MediaError::OverLimit { .. }));
}

#[test]
fn a_note_counts_the_frames_that_are_not_shown() {
    let message = |starts: &[f64]| probed(&json!({}), starts).unwrap().notes[0].message.clone();
    let mut starts = steady(300, 24.0);
    starts.remove(100);
    assert!(message(&starts).ends_with("24 frames/s show each of them at its time"), "{}", message(&starts));
    starts.push(1.0 + 2e-3);
    assert!(message(&starts).contains("24 frames/s show all but 1 of them"), "{}", message(&starts));
}
