//! Tests of clips that are cut in segments: they show, sound and report what whole cuts do.

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use clearcut_job::{
    CutRequest, CutStep, FpsChoice,
    OutputFormat::{self, Apng, Matte, Mov, StackedAlpha, Webm, Webp},
};
use clearcut_pipeline::{
    CutJob, CutReport, Error, Resources, SegmentPlan, SegmentPolicy, Stop, cut_segment, join_segments, plan_segments,
};

use tempfile::TempDir;

use crate::{
    clips::{H264, shared_clip},
    cutting::{Cut, JOINED_FORMATS, cut, request, with_job},
    media::{Decoded, command, ffmpeg, sample},
};

/// Size and number of frames of the clip.
pub(crate) const SIZE: (usize, usize) = (160, 120);
const FRAMES: u64 = 500;

/// First frame of the second of two segments.
const BOUNDARY: usize = 240;

/// A clip of 17 s with sound: a ring that moves and swings, so that the pocket in it grows, shrinks
/// and moves, over a noisy background.
pub(crate) fn clip() -> &'static Path {
    static CLIP: OnceLock<PathBuf> = OnceLock::new();
    CLIP.get_or_init(|| {
        let ring = "clip((24+4*sin(N/31)-hypot(X-80-15*sin(N/50),Y-60))/3,0,1)\
                    *clip((hypot(X-80-15*sin(N/50),Y-60)-8-6*sin(N/17))/3,0,1)";
        let mix =
            |background: &str, subject: &str| format!("'st(0,{ring});({background})*(1-ld(0))+({subject})*ld(0)'");
        let (r, g, b) = (mix("40", "200-Y/2"), mix("190-8*Y/H", "90+20*sin(X/3)"), mix("60", "70+X/4"));
        let frame = format!("color=c=black:s={}x{}:r=30000/1001,format=gbrp,geq=r={r}:g={g}:b={b}", SIZE.0, SIZE.1);
        let line = format!(
            "-f lavfi -i {frame},noise=alls=5:allf=t -f lavfi -i sine=f=330:r=48000:d=30 -frames:v {FRAMES} {H264} \
             -g 60 -c:a aac -shortest"
        );
        shared_clip("long.mp4", &line)
    })
}

/// Cuts `clip` in `count` segments side by side.
pub(crate) fn cut_in(count: usize, clip: &Path, request: &CutRequest, progress: &mut dyn FnMut(CutStep)) -> Cut {
    let folder = tempfile::tempdir().unwrap();
    let resources = Resources { segments: NonZeroUsize::new(count), ..Resources::default() };
    let report = with_job(folder.path(), clip, request, |job| {
        clearcut_pipeline::cut(&CutJob { resources, ..*job }, &Stop::default(), progress)
    });
    Cut { report: report.unwrap_or_else(|error| panic!("{}: {error}", clip.display())), folder }
}

/// What ffprobe lists of the packets of a file, in all streams.
fn packets(path: &Path) -> String {
    let entries = "packet=stream_index,pts,dts,duration,flags";
    let listed = command("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0", "-show_entries", entries])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8(listed.stdout).unwrap()
}

/// Stream and presentation time of each of `packets`, in order.
fn times(packets: &str) -> Vec<(u32, i64)> {
    let number = |text: &str| text.parse::<i64>().unwrap_or(-1);
    let mut times: Vec<(u32, i64)> = packets
        .lines()
        .filter_map(|line| line.split_once(','))
        .map(|(stream, rest)| (number(stream) as u32, number(rest.split(',').next().unwrap())))
        .collect();
    times.sort_unstable();
    times
}

/// The alpha of each frame of an output.
pub(crate) fn mattes(cut: &Cut, format: OutputFormat) -> Vec<Vec<u8>> {
    if format == Webp {
        let bytes = fs::read(cut.output(Webp)).unwrap();
        let (mut mattes, mut shown) = (Vec::new(), 0);
        for frame in webp_animation::Decoder::new(&bytes).unwrap() {
            let until = (f64::from(frame.timestamp()) * 30_000.0 / 1_001_000.0).round() as usize;
            let matte: Vec<u8> = frame.data().chunks_exact(4).map(|pixel| pixel[3]).collect();
            mattes.extend(std::iter::repeat_n(matte, until - shown));
            shown = until;
        }
        return mattes;
    }
    let decoded = Decoded::read(cut.output(format), SIZE, format == StackedAlpha);
    decoded.frames.iter().map(|frame| frame.chunks_exact(4).map(|pixel| pixel[3]).collect()).collect()
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

/// Root mean square of the change of alpha from one frame to the next, less that of `truth`.
fn dtssd(mattes: &[Vec<u8>], truth: &[Vec<u8>], frame: usize) -> f64 {
    let change = |mattes: &[Vec<u8>], at: usize| f64::from(mattes[frame][at]) - f64::from(mattes[frame - 1][at]);
    let squares = (0..truth[0].len()).map(|at| (change(mattes, at) - change(truth, at)).powi(2));
    (squares.sum::<f64>() / truth[0].len() as f64).sqrt()
}

#[test]
fn a_clip_in_segments_has_no_seam() {
    let request = request(JOINED_FORMATS);
    let whole = cut(clip(), &request);
    let mut steps = Vec::new();
    let joined = cut_in(2, clip(), &request, &mut |step| steps.push(step));
    let counts: Vec<u64> = steps
        .iter()
        .filter_map(|step| if let CutStep::Cutting { done, .. } = step { Some(*done) } else { None })
        .collect();
    assert!(counts.is_sorted() && counts.iter().any(|done| *done > FRAMES / 2), "the sum of the segments: {counts:?}");
    assert_eq!(joined.report.frames, FRAMES);
    assert_eq!(format!("{:?}", parts_of(&joined.report)), format!("{:?}", parts_of(&whole.report)));
    let left: Vec<_> = fs::read_dir(joined.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.iter().filter(|name| name.to_string_lossy().starts_with("segment")).count(), 0, "{left:?}");
    let truth = mattes(&whole, Apng);
    for format in [Webm, StackedAlpha, Webp, Apng, Mov] {
        let (expected, found) = (mattes(&whole, format), mattes(&joined, format));
        assert_eq!((expected.len(), found.len()), (FRAMES as usize, FRAMES as usize), "{format}");
        for (index, (expected, found)) in expected.iter().zip(&found).enumerate() {
            let difference = mean_difference(expected, found);
            // The mattes are the same. MOV and APNG keep them, and the first segment is encoded alike;
            // the others differ by what a codec that begins anew codes differently.
            let allowed = if matches!(format, Apng | Mov) || index < BOUNDARY { 0.0 } else { 1.0 };
            assert!(difference <= allowed, "{format}: alpha of frame {index} differs by {difference}");
        }
        let at = dtssd(&found, &truth, BOUNDARY);
        let around = (BOUNDARY - 30..=BOUNDARY + 30).map(|frame| dtssd(&expected, &truth, frame)).fold(0.0, f64::max);
        assert!(
            at <= 1.1 * around + 0.1,
            "{format}: dtSSD is {at:.3} at the boundary, and up to {around:.3} around it"
        );
        if !matches!(format, Webp | Apng) {
            let [expected, found] = [&whole, &joined].map(|cut| packets(cut.output(format)));
            assert_eq!(times(&found), times(&expected), "{format}");
            let [expected, found] = [&whole, &joined].map(|cut| sound(cut.output(format)));
            assert!(found == expected && !found.is_empty(), "{format}: the sound differs");
        }
    }
}

/// The parts of a report that are the same however a clip is cut.
pub(crate) fn parts_of(report: &CutReport) -> impl std::fmt::Debug {
    let CutReport { source, size, frame_rate, frames, crop, method, reason, model, key_color, matte, notes, outputs } =
        report;
    let outputs: Vec<_> = outputs.iter().map(|output| (output.format, output.alpha_check.frames_compared)).collect();
    format!(
        "{source:?} {size} {frame_rate} {frames} {crop:?} {method:?} {reason:?} {model:?} {key_color:?} {matte:?} {notes:?} {outputs:?}"
    )
}

/// The encoded sound of a file.
fn sound(path: &Path) -> Vec<u8> {
    let name = path.file_name().unwrap().to_str().unwrap();
    ffmpeg(path.parent().unwrap(), &format!("-i {name} -map 0:a -c copy -f framecrc -"))
}

#[test]
fn segments_that_several_machines_cut_join_to_the_whole() {
    let request = request("webm");
    let whole = cut(clip(), &request);
    let (folder, policy) = (
        tempfile::tempdir().unwrap(),
        SegmentPolicy { min_clip: Duration::from_secs(9), segment: Duration::from_secs(8) },
    );
    let stop = Stop::default();
    let plan = with_job(folder.path(), clip(), &request, |job| plan_segments(job, &policy, &stop, &mut |_| ()))
        .unwrap()
        .unwrap();
    assert_eq!(plan.segments(), [0..240, 240..FRAMES]);
    let plan = SegmentPlan::from_json(&plan.to_json().unwrap()).unwrap();
    let segments: Vec<_> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
    for (index, segment) in segments.iter().enumerate() {
        with_job(segment.path(), clip(), &request, |job| cut_segment(job, &plan, index, &stop, &mut |_| ())).unwrap();
        let mut names: Vec<_> = fs::read_dir(segment.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["segment.json", "webm-alpha.ivf", "webm-color.ivf"]);
    }
    let folders: Vec<PathBuf> = segments.iter().map(|segment| segment.path().to_owned()).collect();
    let scratch = folder.path().to_owned();
    let join = |folders: &[PathBuf]| {
        with_job(&scratch, clip(), &request, |job| join_segments(job, &plan, folders, &stop, &mut |_| ()))
    };
    let swapped: Vec<PathBuf> = folders.iter().rev().cloned().collect();
    assert!(matches!(join(&swapped), Err(Error::SegmentDamaged { index: 0 })), "the order is another one");
    assert!(matches!(join(&folders[..1]), Err(Error::PlanMismatch { .. })));
    let joined = Cut { report: join(&folders).unwrap(), folder };
    assert_eq!(format!("{:?}", parts_of(&joined.report)), format!("{:?}", parts_of(&whole.report)));
    assert_eq!(packets(joined.output(Webm)).lines().count(), packets(whole.output(Webm)).lines().count());
    assert!(matches!(join(&folders), Err(Error::SegmentDamaged { .. } | Error::Io { .. })), "the pieces are gone");

    let refused = |clip: &Path, request: &CutRequest| {
        let folder = tempfile::tempdir().unwrap();
        let result = with_job(folder.path(), clip, request, |job| cut_segment(job, &plan, 1, &stop, &mut |_| ()));
        matches!(result, Err(Error::PlanMismatch { .. }))
    };
    assert!(refused(sample("mascot.mp4").as_ref(), &request), "another clip");
    assert!(refused(clip(), &CutRequest { size: Some("64".parse().unwrap()), ..request.clone() }), "another size");
}

/// Cuts `clip()` in segments of 240, 240 and 20 frames: each with its request.
fn cut_apart(plan_for: &CutRequest, requests: [&CutRequest; 3]) -> (SegmentPlan, Vec<TempDir>) {
    let (folder, stop) = (tempfile::tempdir().unwrap(), Stop::default());
    let policy = SegmentPolicy { min_clip: Duration::from_secs(9), segment: Duration::from_millis(4170) };
    let plan = with_job(folder.path(), clip(), plan_for, |job| plan_segments(job, &policy, &stop, &mut |_| ()));
    let plan = plan.unwrap().unwrap();
    assert_eq!(plan.segments(), [0..240, 240..480, 480..FRAMES]);
    let segments = requests.iter().enumerate().map(|(index, request)| {
        let folder = tempfile::tempdir().unwrap();
        with_job(folder.path(), clip(), request, |job| cut_segment(job, &plan, index, &stop, &mut |_| ())).unwrap();
        folder
    });
    let segments = segments.collect();
    (plan, segments)
}

/// Joins copies of `segments`, of which `change` may change files.
fn join_copies(
    (plan, segments): &(SegmentPlan, Vec<TempDir>),
    request: &CutRequest,
    change: impl FnOnce(&[PathBuf]),
) -> Result<Cut, Error> {
    let (folder, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folders: Vec<PathBuf> = (0..segments.len()).map(|index| copies.path().join(index.to_string())).collect();
    for (copy, segment) in folders.iter().zip(segments) {
        fs::create_dir(copy).unwrap();
        for entry in fs::read_dir(segment.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    change(&folders);
    let stop = Stop::default();
    let joined = with_job(folder.path(), clip(), request, |job| join_segments(job, plan, &folders, &stop, &mut |_| ()));
    joined.map(|report| Cut { folder, report })
}

#[test]
fn pieces_that_changed_after_their_check_are_refused() {
    let request = request(JOINED_FORMATS);
    let cut = cut_apart(&request, [&request; 3]);
    let flipped = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() * 3 / 5;
        bytes[middle] ^= 4;
        fs::write(path, bytes).unwrap();
    };
    let truncated = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() * 9 / 10]).unwrap();
    };
    for (format, name) in [
        (Webm, "webm-color.ivf"),
        (Webm, "webm-alpha.ivf"),
        (StackedAlpha, "stacked-alpha.mp4"),
        (Mov, "mov.mov"),
        (Webp, "webp.webp"),
        (Apng, "apng.apng"),
        (Matte, "matte.mp4"),
    ] {
        let one = join_copies(&cut, &request, |folders| flipped(&folders[1].join(name)));
        assert!(is_refused(&one, format), "{name}: a flipped bit: {:?}", one.err());
        let two = join_copies(&cut, &request, |folders| {
            let other = folders[2].join("other");
            fs::rename(folders[0].join(name), &other).unwrap();
            fs::rename(folders[1].join(name), folders[0].join(name)).unwrap();
            fs::rename(other, folders[1].join(name)).unwrap();
        });
        assert!(is_refused(&two, format), "{name}: exchanged with one of equal length: {:?}", two.err());
        let three = join_copies(&cut, &request, |folders| truncated(&folders[1].join(name)));
        assert!(three.is_err(), "{name}: truncated");
    }
    let exchanged = join_copies(&cut, &request, |folders| {
        let other = folders[0].with_extension("other");
        fs::rename(&folders[0], &other).unwrap();
        fs::rename(&folders[1], &folders[0]).unwrap();
        fs::rename(other, &folders[1]).unwrap();
    });
    assert!(matches!(exchanged, Err(Error::SegmentDamaged { index: 0 })), "whole segments");
    let joined = join_copies(&cut, &request, |_| ()).unwrap();
    assert_eq!(joined.report.outputs.iter().map(|output| output.alpha_check.frames_compared).sum::<u64>(), 6 * FRAMES);
}

fn is_refused(joined: &Result<Cut, Error>, expected: OutputFormat) -> bool {
    // A wrong checksum of an APNG is found while it is joined.
    matches!(joined, Err(Error::CheckFailed { format, .. } | Error::Encoder { format, .. }) if *format == expected)
}

#[test]
fn pieces_of_unlike_encoders_are_joined_and_decoded_again() {
    let [balanced, best] =
        ["balanced", "best"].map(|speed| CutRequest { speed: speed.parse().unwrap(), ..request("stacked-alpha") });
    let cut = cut_apart(&balanced, [&balanced, &best, &balanced]);
    let setups =
        cut.1.iter().map(|segment| ffmpeg(segment.path(), "-i stacked-alpha.mp4 -c copy -f framehash -frames:v 1 -"));
    let mut setups: Vec<String> = setups
        .map(|listing| {
            String::from_utf8(listing).unwrap().lines().find(|line| line.starts_with("#extradata")).unwrap().to_owned()
        })
        .collect();
    setups.dedup();
    assert_eq!(setups.len(), 3, "the encoders are alike: {setups:?}");
    let joined = join_copies(&cut, &balanced, |_| ()).unwrap();
    let whole = self::cut(clip(), &balanced);
    for (index, (expected, found)) in
        mattes(&whole, StackedAlpha).iter().zip(&mattes(&joined, StackedAlpha)).enumerate()
    {
        let difference = mean_difference(expected, found);
        assert!(difference <= 1.0, "alpha of frame {index} differs by {difference}");
    }
}

#[test]
fn clips_that_segments_do_not_suit_are_cut_whole() {
    let (folder, stop) = (tempfile::tempdir().unwrap(), Stop::default());
    let policy = SegmentPolicy { min_clip: Duration::from_secs(9), segment: Duration::from_secs(8) };
    let is_whole = |clip: &Path, request: &CutRequest| {
        with_job(folder.path(), clip, request, |job| plan_segments(job, &policy, &stop, &mut |_| ())).unwrap().is_none()
    };
    let keyed = request("webm");
    assert!(!is_whole(clip(), &keyed));
    assert!(is_whole(sample("mascot.mp4").as_ref(), &keyed), "a short clip");
    assert!(is_whole(clip(), &CutRequest { method: "ai".parse().unwrap(), ..keyed.clone() }), "a clip for a model");
    let hints = r#"[{"kind":"keep","time":0,"x":0.5,"y":0.5}]"#.parse().unwrap();
    assert!(is_whole(clip(), &CutRequest { hints, ..keyed }), "a clip with hints");
}

#[test]
fn segments_are_exact_where_decoding_begins_at_the_start_of_the_clip() {
    let folder = tempfile::tempdir().unwrap();
    let source = clip().display().to_string();
    for (name, how, fps) in [
        ("uneven.mkv", "-an -c:v libx264 -preset ultrafast -qp 20 -vf select='mod(n\\,5)' -fps_mode vfr", "source"),
        ("stream.ts", "-an -c:v copy", "source"),
        ("slower.mp4", "-an -c:v copy", "29"),
    ] {
        ffmpeg(folder.path(), &format!("-i {source} {how} {name}"));
        let request = CutRequest { fps: fps.parse::<FpsChoice>().unwrap(), ..request("apng") };
        let path = folder.path().join(name);
        let (whole, joined) = (cut(&path, &request), cut_in(2, &path, &request, &mut |_| ()));
        assert_eq!(joined.report.frames, whole.report.frames, "{name}");
        assert_eq!(format!("{:?}", joined.report.matte), format!("{:?}", whole.report.matte), "{name}");
        let same = mattes(&joined, Apng) == mattes(&whole, Apng);
        assert!(same, "{name}: the mattes differ");
    }
}

#[test]
fn cancelling_ends_all_segments() {
    let (folder, stop) = (tempfile::tempdir().unwrap(), Stop::default());
    let resources = Resources { segments: NonZeroUsize::new(2), ..Resources::default() };
    let result = with_job(folder.path(), clip(), &request("webm"), |job| {
        clearcut_pipeline::cut(&CutJob { resources, ..*job }, &stop, &mut |step| {
            if let CutStep::Cutting { done: 1.., .. } = step {
                stop.cancel();
            }
        })
    });
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
}
