//! Tests of the ffmpeg and ffprobe arguments, above all of the guards around untrusted files.

use std::time::Duration;

use clearcut_frame::{FrameRate, Size, Subsampling};
use clearcut_job::{OutputFormat, Quality, Speed};

use super::*;
use crate::{
    AlphaStream, AudioTrack, Capabilities, ColorConversion, ColorTags, Container, Downmix, FieldOrder, MediaInfo,
    MediaLimits, SizeChanges,
};

mod parts;

const HOSTILE: &str = "http://evil/;$(x) -i";

/// A clip whose text fields are all hostile.
fn info() -> MediaInfo {
    MediaInfo {
        container: Container::Mov,
        stream: 2,
        codec: HOSTILE.to_owned(),
        decoder: None,
        pixel_format: HOSTILE.to_owned(),
        size: Size::new(160, 120).unwrap(),
        frame_rate: FrameRate::new(30_000, 1001).unwrap(),
        has_variable_rate: false,
        frames: 24,
        keyframes: 1,
        keyframe_points: Vec::new(),
        duration: Duration::from_secs(1),
        last_frame_start: Duration::from_millis(920),
        lacks_presentation_times: false,
        video_start_secs: -0.5,
        rotation_degrees: 0,
        has_alpha: false,
        alpha_stream: None,
        subsampling: Subsampling::Half,
        color: ColorTags::BT709,
        conversion: None,
        crop: None,
        size_changes: None,
        field_order: FieldOrder::TopFirst,
        is_deinterlaced: false,
        audio: Some(audio()),
        notes: Vec::new(),
    }
}

fn audio() -> AudioTrack {
    let downmix = Downmix::ByLayout;
    AudioTrack { stream: 5, codec: HOSTILE.to_owned(), channels: 6, sample_rate: 48_000, downmix }
}

/// Decoders that a clip made ffprobe ask for.
fn view() -> ProbeView {
    let mut view = ProbeView::default();
    view.opened.add_refused("[theora @ 0x5] Codec (theora) not on whitelist 'h264'").unwrap();
    view
}

fn decode_plan() -> DecodePlan {
    DecodePlan { size: Size::new(80, 60).unwrap(), retiming: Retiming::EveryFrame, threads: 3, window: None }
}

fn sample_plan() -> SamplePlan {
    SamplePlan { among: Sampled::Keyframes(7), max_frames: 24, threads: 2 }
}

fn excerpt_plan() -> ExcerptPlan {
    ExcerptPlan { size: Size::new(80, 60).unwrap(), first: 60, frames: 9 }
}

fn encode_plan(format: OutputFormat) -> EncodePlan {
    EncodePlan {
        format,
        size: Size::new(161, 91).unwrap(),
        subsampling: Subsampling::Full,
        frame_rate: FrameRate::new(30_000, 1001).unwrap(),
        color: ColorTags::BT601_525,
        quality: "60".parse::<Quality>().unwrap(),
        edge_color: None,
        speed: Speed::Balanced,
        crf: None,
        plays: 0,
        has_audio: true,
        threads: 2,
    }
}

/// Every command that reads an untrusted file.
fn reading_commands(info: &MediaInfo) -> Vec<Vec<String>> {
    let limits = MediaLimits::default();
    vec![
        probe_streams(info.container, &limits, &view()),
        probe_packets(info.container, &limits, &view(), false),
        probe_packets(info.container, &limits, &view(), true),
        probe_first_frames(info.container, &limits, &view(), info.stream, 40),
        decode(info, &decode_plan(), &limits),
        sample(info, info.size, &sample_plan(), &limits),
        excerpt(info, &excerpt_plan(), &limits),
        decode_sound(info, info.audio.as_ref().unwrap(), info.whole(), &limits),
    ]
}

fn line(arguments: &[String]) -> String {
    arguments.join(" ")
}

/// The value of `option`, which must occur exactly once.
fn value<'a>(arguments: &'a [String], option: &str) -> &'a str {
    assert_eq!(arguments.iter().filter(|word| *word == option).count(), 1, "{option} in {arguments:?}");
    let at = arguments.iter().position(|word| word == option).unwrap();
    &arguments[at + 1]
}

#[test]
fn untrusted_files_are_read_only_under_allowlists() {
    for container in
        [Container::Mov, Container::Matroska, Container::Avi, Container::Gif, Container::Apng, Container::Webp]
    {
        for arguments in reading_commands(&MediaInfo { container, ..info() }) {
            assert_eq!(value(&arguments, "-protocol_whitelist"), "file,pipe");
            assert_eq!(value(&arguments, "-format_whitelist"), container.demuxer());
            assert_eq!(value(&arguments, "-max_pixels"), "36000000");
            assert_eq!(value(&arguments, "-i"), "file:/dev/stdin");
            let input = arguments.iter().position(|word| word == "-i").unwrap();
            assert_eq!(arguments[input - 2..input], ["-f", container.demuxer()], "{arguments:?}");
            for guard in ["-protocol_whitelist", "-format_whitelist", "-codec_whitelist", "-max_pixels"] {
                let at = arguments.iter().position(|word| word == guard).unwrap();
                assert!(at < input, "{guard} comes after the input in {arguments:?}");
            }
        }
    }
}

#[test]
fn the_decoder_allowlist_is_pinned() {
    let pinned = "h264,hevc,vp8,libvpx,vp9,libvpx-vp9,libdav1d,libaom-av1,av1,prores,dnxhd,cfhd,hap,dvvideo,mjpeg,\
                  mpeg1video,mpeg2video,mpeg4,msmpeg4v2,msmpeg4,h263,wmv1,wmv2,wmv3,vc1,flv,vp6,vp6f,vp6a,theora,\
                  gif,png,apng,webp,qtrle,rawvideo,v210,ffv1,huffyuv,ffvhuff,utvideo,aac,mp3,mp3float,opus,\
                  libopus,vorbis,flac,alac,ac3,eac3,pcm_u8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,\
                  pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_s8,pcm_alaw,pcm_mulaw,mp2,mp2float,adpcm_ms,\
                  adpcm_ima_wav,adpcm_ima_qt,amr_nb,amrnb,amr_wb,amrwb,mp1,mp1float,aac_latm,truehd,pcm_bluray,\
                  pcm_dvd,s302m,wmav1,wmav2,wmapro,wmavoice,nellymoser,adpcm_swf,speex,libspeex,dts,dca";
    for arguments in reading_commands(&info()) {
        assert_eq!(value(&arguments, "-codec_whitelist"), pinned);
    }
    let subtitles = "mov_text,subrip,srt,text,ass,ssa,webvtt,cc_dec,dvdsub,pgssub,dvbsub,xsub,sami,subviewer,microdvd,\
                     realtext,jacosub,libzvbi_teletextdec";
    for (index, arguments) in reading_commands(&info()).iter().enumerate() {
        let opened = arguments.iter().position(|word| word == "-codec_whitelist:");
        assert_eq!(opened.is_some(), index < 4, "ffmpeg opens the decoders of mapped streams only");
        let Some(opened) = opened else { continue };
        assert_eq!(arguments[opened + 1], format!("{pinned},{subtitles},theora"));
        let strict = arguments.iter().position(|word| word == "-codec_whitelist").unwrap();
        assert!(strict < opened, "the last option counts for opening: {arguments:?}");
    }
}

#[test]
fn untrusted_text_never_becomes_an_argument() {
    for arguments in reading_commands(&info()) {
        assert!(arguments.iter().all(|word| !word.contains("evil") && !word.contains('$')), "{arguments:?}");
    }
}

#[test]
fn ffmpeg_never_reads_the_terminal() {
    let limits = MediaLimits::default();
    let mut commands = vec![
        decode(&info(), &decode_plan(), &limits),
        sample(&info(), info().size, &sample_plan(), &limits),
        excerpt(&info(), &excerpt_plan(), &limits),
        decode_sound(&info(), &audio(), info().whole(), &limits),
        align_sound(info().duration, 1.0),
    ];
    commands.extend(OutputFormat::ALL.map(|format| encode(&encode_plan(format))));
    commands.extend([Layer::Color, Layer::Alpha].map(|layer| encode_layer(&encode_plan(OutputFormat::Webm), layer)));
    commands.extend(OutputFormat::ALL.map(|format| decode_matte(&encode_plan(format), None)));
    commands.extend(OutputFormat::ALL.map(|format| list_packets(&encode_plan(format))));
    for arguments in commands {
        assert_eq!(arguments.iter().filter(|word| *word == "-nostdin").count(), 1, "{arguments:?}");
    }
}

#[test]
fn decoding_maps_one_stream_and_passes_every_frame() {
    let arguments = decode(&info(), &decode_plan(), &MediaLimits::default());
    assert_eq!(value(&arguments, "-map"), "0:2");
    assert_eq!(value(&arguments, "-threads"), "3");
    assert_eq!(
        value(&arguments, "-vf"),
        "scale=80:60:in_color_matrix=bt709:out_color_matrix=bt709:out_range=tv:\
         flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
    );
    assert!(line(&arguments).ends_with("-fps_mode passthrough -f rawvideo -pix_fmt yuv420p pipe:1"), "{arguments:?}");
}

#[test]
fn the_frame_rate_is_converted_before_scaling() {
    let retiming = Retiming::To(FrameRate::new(25, 1).unwrap());
    let arguments = decode(&info(), &DecodePlan { retiming, ..decode_plan() }, &MediaLimits::default());
    let filters = "settb=AVTB,fps=25/1:start_time=-0.519863:round=down:eof_action=pass,\
                   tpad=stop=2:stop_mode=clone,trim=end_frame=25,scale=";
    assert!(value(&arguments, "-vf").starts_with(filters), "{arguments:?}");
}

#[test]
fn samples_are_restricted_to_keyframes_only_on_request() {
    let arguments_for = |plan| sample(&info(), info().size, &plan, &MediaLimits::default());
    let arguments = arguments_for(sample_plan());
    assert_eq!((value(&arguments, "-skip_frame"), value(&arguments, "-frames:v")), ("nokey", "24"));
    assert!(value(&arguments, "-vf").starts_with("select=not(mod(n\\,7)),"));
    let every = arguments_for(SamplePlan { among: Sampled::Every(0), ..sample_plan() });
    assert!(!every.contains(&"-skip_frame".to_owned()));
    assert!(value(&every, "-vf").starts_with("select=not(mod(n\\,1)),"), "a step of 0 would divide by it");
    let references =
        arguments_for(SamplePlan { among: Sampled::References(Duration::from_millis(250)), ..sample_plan() });
    assert_eq!(value(&references, "-skip_frame"), "noref");
    let selected = "select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,0.250000),";
    assert!(
        value(&references, "-vf").starts_with(selected),
        "selection is by time because skipped frames are not counted"
    );
}

#[test]
fn an_excerpt_of_a_container_without_an_index_seeks_early() {
    let info = MediaInfo { container: Container::MpegTs, ..info() };
    let near = excerpt(&info, &excerpt_plan(), &MediaLimits::default());
    assert!(near.contains(&"-copyts".to_owned()) && !near.contains(&"-ss".to_owned()), "{near:?}");
    let info = MediaInfo { duration: Duration::from_mins(10), keyframes: 100, ..info };
    let plan = ExcerptPlan { first: 9000, ..excerpt_plan() };
    let far = excerpt(&info, &plan, &MediaLimits::default());
    let seek = far.iter().position(|word| word == "-ss").unwrap();
    assert_eq!(far[seek + 1], "275.791658", "four keyframe intervals before the first frame");
}

#[test]
fn an_excerpt_seeks_a_quarter_frame_early_and_does_not_seek_at_the_start() {
    let arguments = excerpt(&info(), &excerpt_plan(), &MediaLimits::default());
    assert_eq!((value(&arguments, "-seek_timestamp"), value(&arguments, "-ss")), ("1", "1.493658"));
    assert_eq!((value(&arguments, "-frames:v"), value(&arguments, "-threads")), ("9", "1"));
    let place = |word: &str| arguments.iter().position(|found| found == word);
    assert!(place("-ss") < place("-i"), "earlier frames are decoded and discarded: {arguments:?}");
    let first = excerpt(&info(), &ExcerptPlan { first: 0, ..excerpt_plan() }, &MediaLimits::default());
    assert!(!first.contains(&"-ss".to_owned()), "{first:?}");
}

#[test]
fn the_colors_of_the_source_are_named_in_full() {
    let filters_for = |code_points, has_full_range, has_alpha| {
        let conversion = Some(ColorConversion { code_points, has_full_range });
        let info = MediaInfo { has_alpha, conversion, ..info() };
        value(&decode(&info, &decode_plan(), &MediaLimits::default()), "-vf").to_owned()
    };
    let wide = filters_for([12, 1, 0], true, false);
    assert!(wide.starts_with("zscale=pin=12:tin=13:min=0:rin=pc:p=bt709:t=iec61966-2-1:m=bt709:r=tv,scale="), "{wide}");
    let hdr = filters_for([9, 16, 9], false, false);
    assert!(hdr.starts_with("zscale=pin=9:tin=16:min=9:rin=tv:p=9:t=linear:npl=203,format=gbrpf32le,"), "{hdr}");
    let layered = filters_for([9, 18, 9], false, true);
    assert!(layered.contains("format=gbrapf32le,"), "{layered}");
}

#[test]
fn fields_are_made_into_frames_before_all_other_filters() {
    let info = MediaInfo { is_deinterlaced: true, field_order: FieldOrder::BottomFirst, ..info() };
    let retiming = Retiming::To(FrameRate::new(25, 1).unwrap());
    let arguments = decode(&info, &DecodePlan { retiming, ..decode_plan() }, &MediaLimits::default());
    let deinterlaced = "bwdif=mode=send_frame:parity=bff:deint=all,";
    assert!(value(&arguments, "-vf").starts_with(&format!("{deinterlaced}settb=AVTB,fps=25/1:")), "{arguments:?}");
    let sampled = sample(&info, info.size, &sample_plan(), &MediaLimits::default());
    assert!(value(&sampled, "-vf").contains(&format!(",{deinterlaced}scale=")), "{sampled:?}");
}

#[test]
fn frames_of_changing_size_keep_the_filters_and_their_shape() {
    for (size_changes, first) in [(SizeChanges::SameShape, "scale=80:60,"), (SizeChanges::OtherShape, "split[picture]")]
    {
        let info = MediaInfo { size_changes: Some(size_changes), ..info() };
        let arguments = decode(&info, &decode_plan(), &MediaLimits::default());
        assert_eq!(value(&arguments, "-reinit_filter:v"), "0");
        assert!(value(&arguments, "-vf").starts_with(first), "{arguments:?}");
    }
    assert!(!decode(&info(), &decode_plan(), &MediaLimits::default()).contains(&"-reinit_filter:v".to_owned()));
}

#[test]
fn the_alpha_capable_decoder_is_chosen_before_the_input() {
    let info = MediaInfo { decoder: Some("libvpx-vp9"), has_alpha: true, ..info() };
    let arguments = decode(&info, &decode_plan(), &MediaLimits::default());
    assert_eq!(value(&arguments, "-c:v"), "libvpx-vp9");
    assert_eq!(value(&arguments, "-pix_fmt"), "yuva420p");
    let place = |word: &str| arguments.iter().position(|found| found == word);
    assert!(place("-c:v") < place("-i"));
}

#[test]
fn audio_starts_with_the_first_frame_and_ends_with_the_last() {
    let decoding = decode_sound(&info(), &audio(), info().whole(), &MediaLimits::default());
    assert_eq!((value(&decoding, "-map"), value(&decoding, "-max_error_rate")), ("0:5", "0.01"));
    assert_eq!(
        value(&decoding, "-af"),
        "asetpts=round(PTS-(-0.500000000)/TB),aresample=rematrix_maxval=1,\
         aformat=sample_fmts=s32:sample_rates=48000:channel_layouts=stereo,atrim=start=0:end=1.000000"
    );
    let aligning = align_sound(info().duration, 1.0);
    assert_eq!(value(&aligning, "-protocol_whitelist"), "file,pipe");
    assert_eq!(
        value(&aligning, "-af"),
        "aresample=async=1:min_hard_comp=0.01:first_pts=0,apad=whole_dur=1.000000,atrim=end=1.000000"
    );
    assert_eq!(aligning.last().unwrap(), AUDIO_FILE);
}

#[test]
fn channels_without_places_are_mixed_by_their_numbers() {
    let filter = |channels| {
        let audio = AudioTrack { channels, downmix: Downmix::OddEven, ..audio() };
        value(&decode_sound(&info(), &audio, info().whole(), &MediaLimits::default()), "-af")
            .split(',')
            .nth(1)
            .unwrap()
            .to_owned()
    };
    assert_eq!(filter(5), "pan=stereo|c0<c0+c2+c4|c1<c1+c3");
    assert_eq!((filter(1), filter(2)), ("pan=mono|c0=c0".to_owned(), "pan=stereo|c0<c0|c1<c1".to_owned()));
}

#[test]
fn each_format_is_encoded_with_player_compatible_settings() {
    for (format, video_options, audio_options) in [
        (OutputFormat::StackedAlpha, "-c:v libx264 -pix_fmt yuv420p", "-c:a aac"),
        (
            OutputFormat::Mov,
            "-c:v prores_ks -profile:v 4444 -qscale:v 4 -pix_fmt yuva444p10le -alpha_bits 16",
            "-c:a pcm_s24le",
        ),
    ] {
        let plan = encode_plan(format);
        let arguments = encode(&plan);
        let line = line(&arguments);
        assert!(line.contains(video_options), "{line}");
        assert!(line.contains("-map 1:a") && line.contains(audio_options), "{line}");
        assert_eq!(value(&arguments, "-framerate"), "30000/1001");
        let size = if format == OutputFormat::StackedAlpha { "162x184" } else { "161x91" };
        assert_eq!(value(&arguments, "-video_size"), size);
        assert_eq!(value(&arguments, "-protocol_whitelist"), "file,pipe");
        assert_eq!(arguments.last().unwrap(), &plan.file_name());
        assert!(!plan.file_name().contains(['/', '-']) || format == OutputFormat::StackedAlpha);
    }
}

#[test]
fn both_webm_streams_have_keyframes_at_the_same_frames_and_one_carries_the_audio() {
    let plan = encode_plan(OutputFormat::Webm);
    let [color, alpha] = [Layer::Color, Layer::Alpha].map(|layer| encode_layer(&plan, layer));
    for arguments in [&color, &alpha] {
        assert_eq!(value(arguments, "-protocol_whitelist"), "file,pipe");
        assert_eq!(value(arguments, "-g"), value(arguments, "-keyint_min"));
        assert_eq!((value(arguments, "-auto-alt-ref"), value(arguments, "-lag-in-frames")), ("0", "0"));
        assert_eq!((value(arguments, "-framerate"), value(arguments, "-video_size")), ("30000/1001", "161x91"));
    }
    assert_eq!(value(&color, "-g"), value(&alpha, "-g"));
    assert_eq!((value(&color, "-pixel_format"), value(&alpha, "-pixel_format")), ("yuv444p", "yuv420p"));
    assert!(!alpha.contains(&"-vf".to_owned()), "no version of ffmpeg may convert the range of a matte");
    assert!(line(&color).ends_with("-f ogg -y webm-sound.ogg") && line(&color).contains("-f ivf -y webm-color.ivf"));
    assert!(line(&alpha).ends_with("-f ivf -y webm-alpha.ivf") && !line(&alpha).contains("sound"), "{alpha:?}");
}

#[test]
fn webm_is_read_back_by_the_alpha_capable_decoder() {
    let arguments = decode_matte(&encode_plan(OutputFormat::Webm), None);
    assert!(line(&arguments).contains("-c:v libvpx-vp9 -threads 2 -i file:webm.webm"), "{arguments:?}");
}

#[test]
fn a_codec_whose_decoders_are_all_missing_is_told_with_their_names() {
    let with = |decoders: &str| Capabilities::parse("", &format!(" D.V.L. av1  AV1 (decoders: {decoders} )"));
    assert_eq!(missing_decoders("av1", &with("libdav1d av1")), None);
    assert_eq!(missing_decoders("av1", &with("av1")).as_deref(), Some("libdav1d or libaom-av1"));
}

#[test]
fn the_alpha_of_another_stream_is_merged_before_all_filters() {
    let alpha = AlphaStream { stream: 3, size: Size::new(64, 48).unwrap(), is_limited: true };
    let info = MediaInfo { alpha_stream: Some(alpha), has_alpha: true, ..info() };
    let arguments = decode(&info, &decode_plan(), &MediaLimits::default());
    let graph = value(&arguments, "-filter_complex");
    let merged = "[0:3]extractplanes=y,format=gray,lut=c0='clip((val-16)*255/219,0,255)',scale=64:48[alpha];\
                  [0:2][alpha]alphamerge,scale=80:60:";
    assert!(graph.starts_with(merged) && graph.ends_with("[out]"), "{graph}");
    assert_eq!(value(&arguments, "-map"), "[out]");
    assert_eq!(value(&arguments, "-pix_fmt"), "yuva420p");
}
