//! Tests of GIFs, read with the `gif` crate: timing, alpha, colors, and which pixels are cleared.

use std::{io::Cursor, num::NonZeroUsize, sync::Arc};

use clearcut_animation::{AnimationSettings, Summary, encode_gif};
use clearcut_frame::{Frame, FrameRate, Matrix, Subsampling};
use gif::DisposalMethod;

use crate::fixture::{Shown, disc_clip, format, frames_on_screen, painted, settings};

fn encode(settings: &AnimationSettings, frames: &[Arc<Frame>]) -> (Vec<u8>, Summary) {
    let (mut spool, mut out) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
    let summary = encode_gif(settings, frames.iter().map(Arc::clone), &mut spool, &mut out, || false).unwrap();
    let file = out.into_inner();
    assert_eq!(file.len() as u64, summary.bytes);
    (file, summary)
}

fn decode(file: &[u8]) -> Vec<Shown> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(file).unwrap();
    let width = usize::from(decoder.width());
    let mut canvas = vec![[0; 4]; width * usize::from(decoder.height())];
    let (mut shown, mut until_ms) = (Vec::new(), 0);
    while let Some(patch) = decoder.read_next_frame().unwrap() {
        assert!(patch.delay >= 2, "browsers show a patch of 10 ms for 100 ms");
        let rows = usize::from(patch.top)..usize::from(patch.top + patch.height);
        let columns = usize::from(patch.left)..usize::from(patch.left + patch.width);
        let at: Vec<usize> = rows.flat_map(|row| columns.clone().map(move |column| row * width + column)).collect();
        for (&at, &pixel) in at.iter().zip(patch.buffer.as_chunks().0) {
            if pixel[3] > 0 {
                canvas[at] = pixel;
            }
        }
        until_ms += 10 * u32::from(patch.delay);
        shown.push(Shown { pixels: canvas.clone(), until_ms });
        match patch.dispose {
            DisposalMethod::Background => at.iter().for_each(|&at| canvas[at] = [0; 4]),
            other => assert_eq!(other, DisposalMethod::Keep),
        }
    }
    assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
    shown
}

#[test]
fn a_moving_disc_leaves_no_trail_and_keeps_its_colors() {
    for subsampling in [Subsampling::Half, Subsampling::Full] {
        let clip = disc_clip(format(120, 80, subsampling, Matrix::Bt709), 24);
        let mut sizes = Vec::new();
        for (quality, allowed) in [(100, 12.0), (60, 18.0)] {
            let (file, summary) = encode(&settings(clip[0].format(), quality), &clip);
            assert_eq!(summary.frames, 24);
            let shown = decode(&file);
            for (index, (frame, shown)) in clip.iter().zip(frames_on_screen(&shown, 24)).enumerate() {
                let (mut error, mut solid) = (0.0, 0.0_f64);
                for (at, pixel) in shown.pixels.iter().enumerate() {
                    let alpha = frame.alpha().unwrap()[at];
                    match alpha {
                        0..112 => assert_eq!(pixel[3], 0, "quality {quality}, frame {index}, pixel {at}"),
                        144.. => assert_eq!(pixel[3], 255, "quality {quality}, frame {index}, pixel {at}"),
                        _ => {}
                    }
                    if alpha == 255 && subsampling == Subsampling::Full {
                        let ycc = clearcut_frame::Ycc8 { y: frame.y()[at], cb: frame.cb()[at], cr: frame.cr()[at] };
                        let rgb = frame.format().matrix.rgb8(ycc);
                        let largest = [rgb.r, rgb.g, rgb.b].iter().zip(pixel).map(|(a, b)| a.abs_diff(*b)).max();
                        error += f64::from(largest.unwrap());
                        solid += 1.0;
                    }
                }
                assert!(
                    error <= allowed * solid.max(1.0),
                    "quality {quality}: frame {index} is off by {error} in {solid}"
                );
            }
            sizes.push(file.len());
        }
        assert!(sizes[1] < sizes[0], "{sizes:?}");
    }
}

#[test]
fn durations_add_up_at_every_rate() {
    let format = format(8, 8, Subsampling::Half, Matrix::Bt709);
    let clip: Vec<_> = (0..=240).map(|level| painted(format, |_, _| ([level; 3], 255))).collect();
    for (frames, seconds) in [(24, 1), (30000, 1001), (50, 1), (60, 1), (120_000, 1001), (240, 1)] {
        let frame_rate = FrameRate::new(frames, seconds).unwrap();
        let (file, summary) = encode(&AnimationSettings { frame_rate, ..settings(format, 100) }, &clip);
        assert_eq!(summary.frames, 241);
        let end = f64::from(decode(&file).last().unwrap().until_ms);
        assert!((end - 241_000.0 / frame_rate.per_second()).abs() <= 5.0, "{frame_rate}: {end} ms");
    }
}

#[test]
fn equal_frames_become_one_patch_and_noise_none() {
    let format = format(40, 24, Subsampling::Full, Matrix::Bt709);
    let noisy = |index: usize, level: u8| {
        painted(format, move |x, y| {
            let noise = ((x * 7 + y * 13 + index * 29) % 5) as u8;
            ([90 + level * noise; 3], if x < 20 { 255 } else { 0 })
        })
    };
    let clip = |level| (0..10).map(|index| noisy(index, level)).collect::<Vec<_>>();
    assert_eq!(encode(&settings(format, 20), &clip(1)).1.patches, 1);
    assert!(encode(&settings(format, 100), &clip(4)).1.patches > 1);
}

#[test]
fn clear_tiny_and_many_colored_frames_are_read_back() {
    for (width, height) in [(1, 1), (3, 5), (400, 300)] {
        let format = format(width, height, Subsampling::Full, Matrix::Bt709);
        for alpha in [0, 255] {
            let clip: Vec<_> = (0..3)
                .map(|index| {
                    painted(format, |x, y| ([(x * 3 + index * 40) as u8, (y * 5) as u8, (x ^ y) as u8], alpha))
                })
                .collect();
            for (quality, threads) in [(0, 1), (60, 2), (100, 4)] {
                let threads = NonZeroUsize::new(threads).unwrap();
                let settings = AnimationSettings { threads, ..settings(format, quality) };
                let shown = decode(&encode(&settings, &clip).0);
                assert!(
                    shown.iter().all(|shown| shown.pixels.iter().all(|pixel| pixel[3] == alpha)),
                    "{width}×{height}"
                );
            }
        }
    }
}

#[test]
fn a_stop_ends_the_file() {
    let clip = disc_clip(format(60, 40, Subsampling::Half, Matrix::Bt709), 10);
    let mut out = Cursor::new(Vec::new());
    let frames = clip.iter().map(Arc::clone);
    let summary =
        encode_gif(&settings(clip[0].format(), 60), frames, Cursor::new(Vec::new()), &mut out, || true).unwrap();
    assert_eq!(summary.frames, 0);
}
