//! Tests of the choice of tracks, from what ffprobe says about them.

use serde_json::{Value, json};

use super::*;

fn capabilities() -> Capabilities {
    Capabilities::parse("ffmpeg version 5.1", " DEV.L. h264  H.264\n DEV.L. mjpeg  JPEG\n")
}

fn track(kind: &str, codec: &str, more: &Value) -> Value {
    let mut track =
        json!({"codec_type": kind, "codec_name": codec, "width": 640, "channels": 2, "sample_rate": "44100"});
    for (key, value) in more.as_object().unwrap() {
        track[key] = value.clone();
    }
    track
}

fn video(codec: &str, more: &Value) -> Value {
    track("video", codec, more)
}

fn sound(codec: &str, more: &Value) -> Value {
    track("audio", codec, more)
}

fn enabled() -> Value {
    json!({"disposition": {"default": 1}})
}

fn flagged(flag: &str) -> Value {
    json!({"disposition": {"default": 1, flag: 1}})
}

fn chosen(tracks: &[Value]) -> Result<Choice, MediaError> {
    let numbered = tracks.iter().enumerate().map(|(index, track)| {
        let mut track = track.clone();
        track["index"] = json!(index);
        track
    });
    let json = json!({"streams": numbered.collect::<Vec<_>>()}).to_string();
    choose(&parse(json.as_bytes(), &[])?, &capabilities())
}

/// The indices of the chosen tracks.
fn indices(tracks: &[Value]) -> (usize, Option<usize>) {
    let choice = chosen(tracks).unwrap_or_else(|error| panic!("{tracks:?}: {error}"));
    (choice.video, choice.audio.map(|audio| audio.stream))
}

fn notes(tracks: &[Value]) -> Vec<(NoteCode, String)> {
    chosen(tracks)
        .unwrap_or_else(|error| panic!("{error}"))
        .notes
        .into_iter()
        .map(|note| (note.code, note.message))
        .collect()
}

#[test]
fn a_disabled_track_and_the_pictures_of_a_file_are_not_the_clip() {
    let h264 = || video("h264", &enabled());
    for other in [
        video("h264", &json!({})),
        video("mjpeg", &flagged("attached_pic")),
        video("mjpeg", &flagged("timed_thumbnails")),
        video("mjpeg", &flagged("still_image")),
        video("h264", &flagged("dependent")),
        video("mjpeg", &json!({"disposition": {"default": 1}, "nb_frames": "1"})),
        video("h264", &json!({"disposition": {"default": 1}, "width": 0})),
        video("theora", &enabled()),
        track("subtitle", "eia_608", &enabled()),
        track("data", "bin_data", &json!({})),
        track("attachment", "ttf", &json!({})),
        json!({}),
    ] {
        assert_eq!(indices(&[other.clone(), h264()]).0, 1, "{other}");
        assert_eq!(indices(&[h264(), other.clone()]).0, 0, "{other}");
    }
    assert_eq!(indices(&[video("h264", &json!({})), video("h264", &json!({}))]).0, 0, "no track is enabled");
    assert_eq!(indices(&[video("h264", &json!({"nb_frames": "1"}))]).0, 0, "a clip of one frame");
    assert_eq!(indices(&[video("theora", &enabled()), video("h264", &json!({}))]).0, 1, "the other cannot be decoded");
}

#[test]
fn video_that_cannot_be_decoded_is_refused_by_track_and_codec() {
    let refusal = |tracks: &[Value]| chosen(tracks).err().unwrap();
    let thumbnail = || video("mjpeg", &json!({"nb_frames": "1"}));
    assert_eq!(
        refusal(&[sound("aac", &enabled()), thumbnail(), video("braw", &enabled())]),
        MediaError::UnsupportedCodec { track: 3, codec: "braw".to_owned() },
        "the thumbnail is not cut in its place"
    );
    assert_eq!(
        refusal(&[video("av1", &enabled())]),
        MediaError::DecoderMissing { track: 1, codec: "av1".to_owned(), decoders: "libdav1d or libaom-av1".to_owned() }
    );
    let unknown = video("none", &json!({"codec_tag_string": "dvh8"}));
    assert_eq!(refusal(&[unknown]), MediaError::UnsupportedCodec { track: 1, codec: "dvh8".to_owned() });
    assert_eq!(refusal(&[sound("aac", &enabled())]), MediaError::NoVideoStream);
    assert_eq!(refusal(&[video("mjpeg", &flagged("attached_pic"))]), MediaError::NoVideoStream);
}

#[test]
fn the_best_sound_that_can_be_decoded_is_taken() {
    let clip = |sounds: &[Value]| {
        let tracks: Vec<Value> = [video("h264", &enabled())].into_iter().chain(sounds.iter().cloned()).collect();
        indices(&tracks).1
    };
    let aac = || sound("aac", &enabled());
    let apac = json!({"codec_type": "audio", "codec_tag_string": "apac", "disposition": {"default": 1}});
    assert_eq!(clip(&[apac, sound("aac", &json!({}))]), Some(2));
    assert_eq!(clip(&[sound("aac", &flagged("comment")), sound("aac", &json!({}))]), Some(2));
    assert_eq!(clip(&[sound("aac", &flagged("visual_impaired")), aac()]), Some(2));
    assert_eq!(clip(&[sound("aac", &json!({})), aac()]), Some(2), "the default one");
    assert_eq!(clip(&[aac(), aac()]), Some(1));
    assert_eq!(clip(&[sound("aac", &json!({"channels": 0})), aac()]), Some(2));
    assert_eq!(clip(&[sound("pcm_s16le", &json!({"channels": 65}))]), None);
    assert_eq!(clip(&[sound("aac", &flagged("comment"))]), Some(1), "better than none");
}

#[test]
fn channels_are_mixed_by_their_places_if_the_file_states_them_or_they_are_usual() {
    let downmix = |channels: u32, layout: &str| {
        let sound = sound("aac", &json!({"channels": channels, "channel_layout": layout}));
        chosen(&[video("h264", &enabled()), sound]).ok().unwrap().audio.unwrap().downmix
    };
    for (channels, layout) in [(6, "5.1(side)"), (1, ""), (2, "unknown"), (6, ""), (8, "unknown"), (4, "quad")] {
        assert_eq!(downmix(channels, layout), Downmix::ByLayout, "{channels} {layout}");
    }
    for (channels, layout) in
        [(10, ""), (4, "unknown"), (3, ""), (8, "cube"), (4, "ambisonic 1"), (2, "2 channels (FL+LFE)")]
    {
        assert_eq!(downmix(channels, layout), Downmix::OddEven, "{channels} {layout}");
    }
}

#[test]
fn an_absurd_sample_rate_is_not_taken_from_the_file() {
    for (stated, rate) in [("96000", 96_000), ("2000000000", 48_000), ("0", 48_000), ("x", 48_000)] {
        let sound = sound("aac", &json!({"sample_rate": stated}));
        let audio = chosen(&[video("h264", &enabled()), sound]).ok().unwrap().audio.unwrap();
        assert_eq!(audio.sample_rate, rate, "{stated}");
    }
}

#[test]
fn notes_name_the_tracks_that_are_left_out_and_what_becomes_of_the_sound() {
    let h264 = || video("h264", &enabled());
    assert_eq!(notes(&[h264(), sound("aac", &enabled())]), []);
    let tracks = [
        video("theora", &enabled()),
        h264(),
        sound("apac", &enabled()),
        sound("aac", &json!({"channels": 6, "channel_layout": "5.1"})),
        track("subtitle", "eia_608", &json!({})),
        video("h264", &json!({})),
    ];
    let left_out = "track 2 with the sound of track 4 is cut; left out: track 1 (video, theora, not supported), \
                    3 (sound, apac, not supported), 5 (subtitles, eia_608), 6 (video, h264, disabled or not the default)";
    let mixed = "the 6 channels of the sound were mixed down to two, by the places of their speakers";
    assert_eq!(
        notes(&tracks),
        [(NoteCode::TracksLeftOut, left_out.to_owned()), (NoteCode::SoundMixedDown, mixed.to_owned())]
    );
    let unheard = "the sound was left out: track 2 (ac-4) is in a codec that is not supported";
    let ac4 = json!({"codec_type": "audio", "codec_tag_string": "ac-4"});
    assert_eq!(notes(&[h264(), ac4]), [(NoteCode::SoundLeftOut, unheard.to_owned())]);
    let many: Vec<Value> =
        std::iter::once(h264()).chain((0..20).map(|_| track("data", "bin_data", &json!({})))).collect();
    assert!(notes(&many)[0].1.ends_with("9 (data, bin_data) and 12 more"), "{:?}", notes(&many));
}
