//! Tests of patch timing, patch rectangles, and tiny, odd-sized and transparent frames.

use std::{num::NonZeroUsize, sync::Arc};

use clearcut_animation::{AnimationSettings, Error};
use clearcut_frame::{Frame, FrameRate, Matrix, Subsampling};

use crate::fixture::{
    KINDS, Kind, Shown, decode, disc_clip, encode, format, frames_on_screen, join, largest_error, painted, settings,
    stored,
};

#[test]
fn equal_frames_become_one_longer_patch() {
    let format = format(40, 24, Subsampling::Half, Matrix::Bt709);
    for kind in KINDS {
        let clip: Vec<Arc<Frame>> = (0..12_u8)
            .map(|index| {
                // Transparent pixels change in every frame, visible pixels in every fourth.
                painted(format, |x, _| if x < 20 { ([index / 4 * 50; 3], 255) } else { ([index * 20; 3], 0) })
            })
            .collect();
        let (file, summary) = encode(kind, &settings(format, 60), &clip);
        assert_eq!((summary.frames, summary.patches), (12, 3), "{kind:?}");
        let ends: Vec<u32> = decode(kind, &file).iter().map(|shown| shown.until_ms).collect();
        assert_eq!(ends, [160, 320, 480], "{kind:?}");
    }
}

#[test]
fn timestamps_at_ntsc_rates_do_not_drift() {
    let format = format(8, 8, Subsampling::Half, Matrix::Bt709);
    let clip: Vec<_> = (0..=240).map(|level| painted(format, |_, _| ([level; 3], 255))).collect();
    for kind in KINDS {
        let frame_rate = FrameRate::new(30000, 1001).unwrap();
        let (file, summary) = encode(kind, &AnimationSettings { frame_rate, ..settings(format, 100) }, &clip);
        let end = decode(kind, &file).last().unwrap().until_ms;
        assert_eq!(u64::from(end), summary.frames * 1001 / 30, "{kind:?}");
    }
}

/// The end of each patch, in milliseconds.
fn ends(kind: Kind, frame_rate: FrameRate, clip: &[Arc<Frame>]) -> Vec<u32> {
    let settings = AnimationSettings { frame_rate, ..settings(clip[0].format(), 100) };
    let (file, summary) = encode(kind, &settings, clip);
    assert_eq!(summary.frames, clip.len() as u64);
    decode(kind, &file).iter().map(|shown| shown.until_ms).collect()
}

#[test]
fn browsers_play_every_patch_for_as_long_as_it_says() {
    let format = format(8, 8, Subsampling::Half, Matrix::Bt709);
    let clip: Vec<_> = (0..=240).map(|level| painted(format, |_, _| ([level; 3], 255))).collect();
    let rates =
        [(60, 1), (90, 1), (91, 1), (95, 1), (100, 1), (120_000, 1001), (144, 1), (240, 1), (2_000_003, 20_000)];
    for (frames, seconds) in rates {
        let frame_rate = FrameRate::new(frames, seconds).unwrap();
        for kind in KINDS {
            let ends = ends(kind, frame_rate, &clip);
            let context = format!("{kind:?} at {frame_rate}");
            let expected_end = 1000.0 * 241.0 / frame_rate.per_second();
            assert!((f64::from(*ends.last().unwrap()) - expected_end).abs() <= 0.6, "{context}");
            let durations = || ends.iter().scan(0, |start, &end| Some(end - std::mem::replace(start, end)));
            // Browsers show what lasts 10 ms or less for 100 ms.
            assert!(durations().all(|millis| millis >= 11), "{context}: {:?}", durations().min());
            let is_repacked = frame_rate.per_second() > 90.5;
            assert_eq!(durations().all(|millis| millis >= 20), is_repacked, "{context}");
            // Full range has more levels than limited range, so 34 frames equal the one before.
            assert!(is_repacked || ends.len() == 207, "{context}: {} patches", ends.len());
        }
    }
}

#[test]
fn a_repacked_animation_shows_each_change_at_its_time() {
    let format = format(8, 8, Subsampling::Half, Matrix::Bt709);
    let level = |level: u8| painted(format, |_, _| ([level; 3], 255));
    // At 120 frames per second, patches last for at least three frames. A still of seven frames, one
    // of four, a flash of one, a still of five, and a last frame that is too short to be shown.
    let levels = [[10; 7].as_slice(), &[90; 4], &[250], &[60; 5], &[200]].concat();
    let clip: Vec<_> = levels.into_iter().map(level).collect();
    for kind in KINDS {
        let settings = AnimationSettings { frame_rate: FrameRate::new(120, 1).unwrap(), ..settings(format, 100) };
        let shown = decode(kind, &encode(kind, &settings, &clip).0);
        let found: Vec<_> = shown.iter().map(|shown| (shown.pixels[0][0], shown.until_ms)).collect();
        // The flash stands for the frames that it hides: three frames from the eleventh on.
        let reds: Vec<u8> = [10, 90, 250, 60].into_iter().map(|gray| red(&level(gray))).collect();
        assert_eq!(found, [(reds[0], 58), (reds[1], 92), (reds[2], 117), (reds[3], 150)], "{kind:?}");
    }
}

/// The red of a frame's first pixel.
fn red(frame: &Frame) -> u8 {
    let (y, cb, cr) = (frame.y()[0], frame.cb()[0], frame.cr()[0]);
    frame.format().matrix.rgb8(clearcut_frame::Ycc8 { y, cb, cr }).r
}

#[test]
fn a_repacked_animation_of_less_than_one_patch_is_one_patch() {
    let format = format(8, 8, Subsampling::Half, Matrix::Bt709);
    let clip = [10, 250].map(|level| painted(format, |_, _| ([level; 3], 255)));
    for kind in KINDS {
        assert_eq!(ends(kind, FrameRate::new(120, 1).unwrap(), &clip), [17], "{kind:?}");
    }
}

#[test]
fn a_still_longer_than_the_longest_patch_keeps_its_duration() {
    let format = format(4, 4, Subsampling::Half, Matrix::Bt709);
    let still = painted(format, |_, _| ([90; 3], 255));
    // The longest APNG patch at this rate is 1,963 frames.
    let clip = vec![still; 4000];
    for kind in KINDS {
        let frame_rate = FrameRate::new(30000, 1001).unwrap();
        let (file, _) = encode(kind, &AnimationSettings { frame_rate, ..settings(format, 100) }, &clip);
        let shown = decode(kind, &file);
        assert_eq!(shown.last().unwrap().until_ms, 133_467, "{kind:?}");
        assert!(shown.iter().all(|frame| frame.pixels == shown[0].pixels), "{kind:?}");
    }
}

#[test]
fn an_animation_in_pieces_shows_what_one_shows() {
    let format = format(64, 48, Subsampling::Half, Matrix::Bt709);
    let clip = disc_clip(format, 20);
    let frame_rate = FrameRate::new(30000, 1001).unwrap();
    for kind in KINDS {
        let settings = AnimationSettings { frame_rate, ..settings(format, 100) };
        let piece = |range: std::ops::Range<usize>| {
            let first_frame = range.start as u64;
            encode(kind, &AnimationSettings { first_frame, ..settings }, &clip[range]).0
        };
        let whole = decode(kind, &piece(0..20));
        let pieces = [piece(0..7), piece(7..8), piece(8..20)];
        assert_eq!(join(kind, format.size, &pieces[..1]).unwrap(), pieces[0], "{kind:?}");
        let joined = decode(kind, &join(kind, format.size, &pieces).unwrap());
        let at = |shown: &[Shown], ms: u32| -> Vec<[u8; 4]> {
            let shown = shown.iter().find(|frame| ms < frame.until_ms).unwrap();
            // Color under alpha 0 is undefined.
            shown.pixels.iter().map(|pixel| if pixel[3] == 0 { [0; 4] } else { *pixel }).collect()
        };
        assert_eq!(joined.last().unwrap().until_ms, whole.last().unwrap().until_ms, "{kind:?}");
        for index in 0..20 {
            let middle = (frame_rate.start_of(index).as_millis() + 16) as u32;
            assert!(at(&joined, middle) == at(&whole, middle), "{kind:?}: frame {index}");
        }
        // Joining changes neither a patch nor its order.
        let stored = pieces.iter().flat_map(|piece| stored(kind, piece)).collect::<Vec<_>>();
        assert!(self::stored(kind, &join(kind, format.size, &pieces).unwrap()) == stored, "{kind:?}");
        for damaged in [&pieces[1][..9], &pieces[1][..pieces[1].len() - 30], b"something else"] {
            let joined = join(kind, format.size, &[pieces[0].clone(), damaged.to_vec()]);
            assert!(matches!(joined, Err(Error::Piece)), "{kind:?}");
        }
    }
}

#[test]
fn tiny_odd_sized_and_transparent_frames_are_restored() {
    for (width, height) in [(1, 1), (1, 7), (2, 1), (17, 3), (33, 31)] {
        for subsampling in [Subsampling::Half, Subsampling::Full] {
            let format = format(width, height, subsampling, Matrix::Bt601);
            let solid = |level: u8| painted(format, |_, _| ([level; 3], 255));
            let clear = painted(format, |_, _| ([200; 3], 0));
            let corner = painted(format, |x, y| {
                ([80; 3], if (x, y) == (width as usize - 1, height as usize - 1) { 99 } else { 0 })
            });
            let clip = [clear.clone(), solid(30), clear.clone(), corner.clone(), solid(200), corner, clear];
            for kind in KINDS {
                for quality in [60, 100] {
                    let shown = decode(kind, &encode(kind, &settings(format, quality), &clip).0);
                    assert_eq!(shown.len(), clip.len());
                    for (index, (frame, shown)) in clip.iter().zip(&shown).enumerate() {
                        let (color, alpha) = largest_error(frame, &shown.pixels);
                        // The corner has alpha 99. A tenth of that range allows a quantization step
                        // of six.
                        let allowed = if kind == Kind::Webp && quality < 100 { 3 } else { 0 };
                        assert!(
                            alpha <= allowed && color <= 6,
                            "{kind:?} {quality} {format:?} {index}: {color} {alpha}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_subject_that_jumps_leaves_no_trail() {
    let format = format(64, 32, Subsampling::Half, Matrix::Bt709);
    let at = |left: usize| {
        painted(format, move |x, y| {
            ([180, 40, 90], if (left..left + 9).contains(&x) && (9..20).contains(&y) { 255 } else { 0 })
        })
    };
    // Covers a patch that is cleared, one that is kept, and one that is drawn over.
    let clip = [at(3), at(50), at(51), at(52), at(10), at(10), at(40)];
    for kind in KINDS {
        let shown = decode(kind, &encode(kind, &settings(format, 100), &clip).0);
        for (frame, shown) in clip.iter().zip(frames_on_screen(&shown, clip.len())) {
            assert_eq!(largest_error(frame, &shown.pixels).1, 0, "{kind:?}");
        }
    }
}

#[test]
fn only_changed_rectangles_are_written() {
    let format = format(256, 256, Subsampling::Half, Matrix::Bt709);
    let noise = |x: usize, y: usize| (x * 7919 + y * 104_729 + x * y * 31) as u8 / 2;
    let with_spot = |at: usize| {
        painted(format, move |x, y| ([if x / 16 == at && y / 16 == 3 { 255 } else { noise(x, y) }; 3], 255))
    };
    for kind in KINDS {
        let settings = settings(format, 60);
        let (one, _) = encode(kind, &settings, &[with_spot(0)]);
        let clip: Vec<_> = (0..10).map(with_spot).collect();
        let (all, _) = encode(kind, &settings, &clip);
        assert!(all.len() < one.len() * 3 / 2, "{kind:?}: {} bytes, of which the first is {}", all.len(), one.len());
    }
}

#[test]
fn the_file_does_not_depend_on_the_number_of_threads() {
    let format = format(80, 48, Subsampling::Half, Matrix::Bt709);
    let clip = disc_clip(format, 14);
    for kind in KINDS {
        for quality in [60, 100] {
            let with = |threads: usize| {
                let threads = NonZeroUsize::new(threads).unwrap();
                encode(kind, &AnimationSettings { threads, ..settings(format, quality) }, &clip).0
            };
            assert!(with(1) == with(3), "{kind:?} {quality}");
        }
    }
}
