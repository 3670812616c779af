//! Tests for the keyer's basic behavior: background, subject, edges, pockets, shadows, and existing
//! alpha.

use clearcut_frame::{Frame, Rgb8, Subsampling};
use clearcut_matte::{Background, NoFlatBackground};

use crate::canvas::{GREEN, RED, WHITE, cut, cut_one, disc_alpha, flat, format, mixed, painted, rgb};

const SIDE: usize = 96;

fn square() -> clearcut_frame::FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Half)
}

fn alpha_at(frame: &Frame, x: usize, y: usize) -> u8 {
    frame.alpha().unwrap()[y * frame.size().width() as usize + x]
}

#[test]
fn a_frame_of_the_background_alone_comes_out_empty() {
    for grain in [0, 3] {
        let frame = painted(square(), grain, flat(GREEN));
        assert!(cut_one(&frame).alpha().unwrap().iter().all(|&a| a == 0), "grain {grain}");
    }
}

#[test]
fn a_clip_without_the_given_key_color_stays_untouched() {
    let frame = painted(square(), 2, |x, y| [60.0 + x as f32, 120.0 + y as f32 / 8.0, 140.0]);
    let background = Background::estimate(std::slice::from_ref(&frame), Some(rgb(square(), GREEN))).unwrap();
    let out = cut(std::slice::from_ref(&frame), &background, 30).remove(0);
    assert!(out.alpha().unwrap().iter().all(|&a| a == 255));
    assert_eq!((out.y(), out.cb(), out.cr()), (frame.y(), frame.cb(), frame.cr()));
}

#[test]
fn a_white_belly_inside_an_outline_stays_solid_on_white() {
    let outline = |x: usize, y: usize| disc_alpha(x, y, SIDE, 30.0) - disc_alpha(x, y, SIDE, 22.0);
    let frame = painted(square(), 1, |x, y| mixed([30, 128, 128], WHITE, outline(x, y)));
    let out = cut_one(&frame);
    assert_eq!(alpha_at(&out, SIDE / 2, SIDE / 2), 255);
    assert_eq!(alpha_at(&out, 3, 3), 0);
}

#[test]
fn the_colored_background_seen_through_a_ring_is_removed() {
    let ring = |x: usize, y: usize| disc_alpha(x, y, SIDE, 36.0) - disc_alpha(x, y, SIDE, 22.0);
    let out = cut_one(&painted(square(), 2, |x, y| mixed(RED, GREEN, ring(x, y))));
    assert_eq!(alpha_at(&out, SIDE / 2, SIDE / 2), 0);
    assert_eq!(alpha_at(&out, SIDE / 2, SIDE / 2 - 29), 255);
}

#[test]
fn the_edge_keeps_its_alpha_and_loses_the_backgrounds_color() {
    let truth = |x: usize, y: usize| disc_alpha(x, y, SIDE, 30.0);
    let out = cut_one(&painted(square(), 1, |x, y| mixed(RED, GREEN, truth(x, y))));
    let mut error = 0.0;
    for y in 0..SIDE {
        for x in 0..SIDE {
            error += (f32::from(alpha_at(&out, x, y)) / 255.0 - truth(x, y)).abs();
            if alpha_at(&out, x, y) > 25 {
                let chroma = (y / 2) * SIDE / 2 + x / 2;
                let color = [out.y()[y * SIDE + x], out.cb()[chroma], out.cr()[chroma]];
                let difference = (0..3).map(|k| color[k].abs_diff(RED[k])).max().unwrap();
                assert!(difference <= 24, "at {x},{y}: {color:?}");
            }
        }
    }
    assert!(error / (SIDE * SIDE) as f32 <= 0.009, "mean error {}", error / (SIDE * SIDE) as f32);
}

#[test]
fn the_clips_own_alpha_multiplies_the_matte() {
    let mut format = square();
    format.has_alpha = true;
    let opaque = painted(square(), 1, |x, y| mixed(RED, GREEN, disc_alpha(x, y, SIDE, 30.0)));
    let mut bytes = opaque.bytes().to_vec();
    bytes.extend((0..SIDE * SIDE).map(|index| if index % SIDE < SIDE / 2 { 255 } else { 100 }));
    let out = cut_one(&Frame::from_bytes(format, bytes).unwrap());
    assert_eq!([alpha_at(&out, 40, 48), alpha_at(&out, 56, 48), alpha_at(&out, 2, 2)], [255, 100, 0]);
}

#[test]
fn a_clip_that_is_cut_out_already_keeps_its_alpha() {
    let mut format = square();
    format.has_alpha = true;
    let alpha: Vec<u8> = (0..SIDE * SIDE).map(|i| (disc_alpha(i % SIDE, i / SIDE, SIDE, 30.0) * 255.0) as u8).collect();
    let mut bytes = painted(square(), 0, flat(GREEN)).into_bytes();
    bytes.extend(&alpha);
    let out = cut_one(&Frame::from_bytes(format, bytes).unwrap());
    assert_eq!(out.alpha().unwrap(), alpha);
}

#[test]
fn scenery_is_rejected_as_not_flat() {
    let scenery = painted(square(), 2, |x, y| {
        let wave = ((x * 7 + y * 3) % 61) as f32 + 40.0 * (y as f32 / 9.0).sin() + 30.0 * (x as f32 / 5.0).cos();
        [110.0 + wave, 128.0 + wave / 3.0, 128.0 - wave / 4.0]
    });
    assert_eq!(Background::estimate(&[scenery], None).err(), Some(NoFlatBackground));
}

#[test]
fn frames_of_any_size_and_chroma_are_keyed() {
    for subsampling in [Subsampling::Half, Subsampling::Full] {
        for (width, height) in [(1, 1), (2, 2), (3, 1), (1, 7), (5, 3), (33, 17)] {
            let frame = painted(format(width, height, subsampling), 0, flat(GREEN));
            let given = Background::estimate(&[], Some(Rgb8::new(0, 255, 0))).unwrap();
            cut(std::slice::from_ref(&frame), &given, 30);
            assert!(cut_one(&frame).alpha().unwrap().iter().all(|&a| a == 0), "{width}×{height}");
        }
    }
}

#[test]
fn a_subject_in_shades_of_a_pastel_background_stays_solid() {
    let pastel = [205, 124, 142];
    let out = cut_one(&painted(square(), 1, |x, y| {
        let shade = [120, 125, (126 + 22 * x / SIDE) as u8];
        mixed(shade, pastel, disc_alpha(x, y, SIDE, 34.0))
    }));
    let inside = (0..SIDE * SIDE).filter(|&i| disc_alpha(i % SIDE, i / SIDE, SIDE, 30.0) >= 1.0);
    assert_eq!(inside.filter(|&i| out.alpha().unwrap()[i] < 230).count(), 0);
}

#[test]
fn look_alikes_enclosed_by_solid_subject_stay_solid() {
    let eye = |x: usize, y: usize| disc_alpha(x, y + 19, SIDE, 4.0);
    let out = cut_one(&painted(square(), 1, |x, y| {
        let body = mixed(RED, GREEN, disc_alpha(x, y, SIDE, 34.0));
        let greenish = mixed(GREEN, [100, 128, 128], 0.6);
        [0, 1, 2].map(|k| body[k] + eye(x, y) * (greenish[k] - body[k]))
    }));
    assert_eq!(alpha_at(&out, SIDE / 2, SIDE / 2 - 19), 255);
}

#[test]
fn soft_shadow_becomes_dark_and_partly_clear() {
    let size = format(160, 160, Subsampling::Half);
    let shade = |x: usize, y: usize| {
        let distance = (x as f32 - 80.0).hypot(1.4 * (y as f32 - 120.0));
        1.0 - 0.5 * (1.0 - distance / 50.0).clamp(0.0, 1.0)
    };
    let frame = painted(size, 1, |x, y| {
        let dark = shade(x, y);
        let background_color =
            [16.0 + (120.0 - 16.0) * dark, 128.0 + (80.0 - 128.0) * dark, 128.0 + (70.0 - 128.0) * dark];
        let body = f32::from(u8::from((50..110).contains(&x) && (30..118).contains(&y)));
        [0, 1, 2].map(|k| background_color[k] + body * (f32::from(RED[k]) - background_color[k]))
    });
    let out = cut_one(&frame);
    let (x, y) = (80, 128);
    let alpha = f32::from(alpha_at(&out, x, y)) / 255.0;
    assert!((alpha - (1.0 - shade(x, y))).abs() < 0.15, "{alpha} for {}", 1.0 - shade(x, y));
    assert!(out.y()[y * 160 + x] < 50, "luma {}", out.y()[y * 160 + x]);
    assert_eq!(alpha_at(&out, 80, 60), 255);
}

#[test]
fn a_subject_that_covers_a_side_leaves_the_background_sure() {
    let size = format(64, 64, Subsampling::Full);
    // A bust in many colors: it covers the bottom and the foot of both other sides.
    let bust = painted(size, 1, |x, y| {
        let (x, y) = (x as f32, y as f32);
        if y < 46.0 {
            mixed(GREEN, GREEN, 0.0)
        } else {
            [40.0 + 3.0 * x, 60.0 + 100.0 * (y / 7.0).sin().abs(), 200.0 - 2.0 * x]
        }
    });
    let background = Background::estimate(&[bust.clone(), bust], None).unwrap();
    assert!(background.confidence() < 0.7, "{}", background.confidence());
    assert!((0.75..0.9).contains(&background.share_without_a_side()), "{}", background.share_without_a_side());
    let whole = painted(size, 1, |x, y| mixed(RED, GREEN, f32::from(u8::from((20..44).contains(&x) && y >= 20))));
    let background = Background::estimate(&[whole.clone(), whole], None).unwrap();
    assert!(background.share_without_a_side() > 0.99, "{}", background.share_without_a_side());
}
