//! Tests for hints: a region marked in one frame is subject or background in every frame that shows
//! it.

use clearcut_frame::{Area, Frame, Subsampling};
use clearcut_matte::{Background, Followed, Hint, KeySettings, Keyer, PocketTracker, follow};

use crate::canvas::{GREEN, RED, WHITE, format, painted};

const WIDTH: usize = 192;
const HEIGHT: usize = 144;
const BLUE: [u8; 3] = [60, 200, 100];

/// The color at a place (x, y) of a frame.
type Scene<'a> = dyn Fn(usize, f32, f32) -> [u8; 3] + 'a;

/// `count` frames of a scene, with every `scale`-th column and row of it.
fn clip(count: usize, scale: usize, scene: &Scene) -> Vec<Frame> {
    let format = format((WIDTH / scale) as u32, (HEIGHT / scale) as u32, Subsampling::Half);
    let middle = |at: usize| scale as f32 * (at as f32 + 0.5);
    (0..count).map(|frame| painted(format, 1, |x, y| scene(frame, middle(x), middle(y)).map(f32::from))).collect()
}

/// A point hint at a place in pixels.
fn point_hint(frame: usize, x: f64, y: f64, keeps: bool) -> Hint {
    Hint { frame, area: Area::Point { x: x / WIDTH as f64, y: y / HEIGHT as f64 }, keeps }
}

fn box_hint(frame: usize, [x, y, width, height]: [f64; 4], keeps: bool) -> Hint {
    let (across, down) = (WIDTH as f64, HEIGHT as f64);
    let area = Area::Box { x: x / across, y: y / down, width: width / across, height: height / down };
    Hint { frame, area, keeps }
}

/// The mattes of a scene with hints, and the number of frames in which each hint holds. Regions are
/// followed at half the size.
fn cut(count: usize, scene: &Scene, hints: &[Hint]) -> (Vec<Frame>, Vec<usize>) {
    let frames = clip(count, 1, scene);
    let background = Background::estimate(&frames, None).unwrap();
    let Followed { maps, frames: frame_counts } = follow(hints, &clip(count, 2, scene), Some(&background), &|| true);
    let keyer = Keyer::new(background, KeySettings::default());
    let mut pockets = PocketTracker::default();
    let keyed: Vec<_> = frames
        .into_iter()
        .zip(&maps)
        .map(|(frame, map)| {
            let mut compared = keyer.compare(frame, map.as_ref());
            pockets.classify(&mut compared);
            keyer.key(compared)
        })
        .collect();
    let cut = (0..keyed.len()).map(|at| {
        let before: Vec<_> = at.checked_sub(1).map(|before| &keyed[before]).into_iter().collect();
        let after: Vec<_> = keyed.get(at + 1).into_iter().collect();
        keyer.finish(&before, &keyed[at], &after)
    });
    (cut.collect(), frame_counts)
}

/// Mean alpha of the 7×7 pixels around a place.
fn alpha(frame: &Frame, x: f32, y: f32) -> f32 {
    let (left, top) = (x as usize - 3, y as usize - 3);
    let rows = (top..top + 7).flat_map(|y| frame.alpha().unwrap()[y * WIDTH + left..][..7].iter());
    rows.map(|&alpha| f32::from(alpha)).sum::<f32>() / 49.0
}

/// Least alpha within `radius` of a place.
fn least_within(frame: &Frame, [x, y]: [f32; 2], radius: f32) -> u8 {
    let inside = |at: &usize| ((at % WIDTH) as f32 + 0.5 - x).hypot((at / WIDTH) as f32 + 0.5 - y) <= radius;
    (0..WIDTH * HEIGHT).filter(inside).map(|at| frame.alpha().unwrap()[at]).min().unwrap()
}

/// Centre of a ring that moves two pixels to the right per frame.
fn middle(frame: usize) -> [f32; 2] {
    [60.0 + 2.0 * frame as f32, 70.0]
}

/// A red ring around `filling`, on `background_color`, with a gap of `gap` pixels on its right.
fn ring(frame: usize, x: f32, y: f32, background_color: [u8; 3], filling: [u8; 3], gap: f32) -> [u8; 3] {
    let [mx, my] = middle(frame);
    let (dx, dy) = (x - mx, y - my);
    match dx.hypot(dy) {
        ..24.0 => filling,
        ..40.0 if dx > 0.0 && dy.abs() < gap / 2.0 => filling,
        ..40.0 => RED,
        _ => background_color,
    }
}

#[test]
fn a_kept_hole_is_solid_in_every_frame() {
    let scene = |frame, x, y| ring(frame, x, y, GREEN, GREEN, 0.0);
    let (open, _) = cut(20, &scene, &[]);
    assert!(alpha(&open[3], middle(3)[0], 70.0) < 2.0);
    let (frames, frame_counts) = cut(20, &scene, &[point_hint(8, 76.0, 70.0, true)]);
    assert_eq!(frame_counts, [20]);
    for (at, frame) in frames.iter().enumerate() {
        assert!(least_within(frame, middle(at), 36.0) > 250, "frame {at}");
        assert!(alpha(frame, middle(at)[0], 20.0) < 2.0, "frame {at}");
    }
}

#[test]
fn a_kept_hole_with_a_gap_leaves_the_outside_clear() {
    let scene = |frame, x, y| ring(frame, x, y, GREEN, GREEN, 10.0);
    let (frames, frame_counts) = cut(20, &scene, &[point_hint(8, 76.0, 70.0, true)]);
    assert_eq!(frame_counts, [20]);
    for (at, frame) in frames.iter().enumerate() {
        assert!(least_within(frame, middle(at), 22.0) > 250, "frame {at}");
        assert!(alpha(frame, middle(at)[0] + 50.0, 70.0) < 2.0, "frame {at}");
    }
}

#[test]
fn a_removed_look_alike_is_clear_in_every_frame() {
    let scene = |frame, x, y| ring(frame, x, y, WHITE, WHITE, 0.0);
    let (kept, _) = cut(20, &scene, &[]);
    assert!(alpha(&kept[3], middle(3)[0], 70.0) > 250.0);
    let (frames, frame_counts) = cut(20, &scene, &[point_hint(19, 98.0, 70.0, false)]);
    assert_eq!(frame_counts, [20]);
    for (at, frame) in frames.iter().enumerate() {
        assert!(alpha(frame, middle(at)[0], 70.0) < 2.0, "frame {at}");
        assert!(alpha(frame, middle(at)[0] + 32.0, 70.0) > 250.0, "frame {at}");
    }
}

#[test]
fn a_removed_object_takes_its_rim_with_it() {
    // A soft-edged blue disc that enters from below, beside a ring with a red filling.
    let scene = |frame: usize, x: f32, y: f32| {
        let share = (16.5 - (x - 150.0).hypot(y - 140.0 + 5.0 * frame as f32)).clamp(0.0, 1.0);
        let under = ring(frame, x, y, GREEN, RED, 0.0);
        [0, 1, 2].map(|k| (share * f32::from(BLUE[k]) + (1.0 - share) * f32::from(under[k])) as u8)
    };
    let (frames, frame_counts) = cut(12, &scene, &[point_hint(6, 150.0, 110.0, false)]);
    assert!(frame_counts[0] >= 11, "{frame_counts:?}");
    for (at, frame) in frames.iter().enumerate().skip(1) {
        let right = (0..WIDTH * HEIGHT).filter(|at| at % WIDTH > 130).map(|at| frame.alpha().unwrap()[at]);
        assert!(right.max().unwrap() < 26, "frame {at}");
        assert!(least_within(frame, middle(at), 36.0) > 250, "frame {at}");
    }
}

#[test]
fn a_box_applies_to_everything_inside_it() {
    // Stripes: no region has a single color.
    let scene = |_, x: f32, y: f32| match (x, y) {
        (10.0..50.0, 10.0..30.0) => [[RED, BLUE, WHITE][x as usize / 6 % 3], WHITE][usize::from(y > 20.0)],
        (100.0..160.0, 60.0..120.0) => RED,
        _ => GREEN,
    };
    let (frames, frame_counts) =
        cut(6, &scene, &[box_hint(2, [6.0, 6.0, 48.0, 28.0], false), box_hint(4, [90.0, 50.0, 6.0, 6.0], true)]);
    assert_eq!(frame_counts, [6, 6]);
    for frame in &frames {
        assert!(alpha(frame, 30.0, 20.0) < 1.0 && alpha(frame, 12.0, 12.0) < 1.0);
        assert!(least_within(frame, [93.0, 53.0], 2.0) == 255);
        assert!(alpha(frame, 130.0, 90.0) > 250.0);
    }
}

#[test]
fn a_box_drawn_loosely_around_an_object_removes_it() {
    let scene = |_, x: f32, y: f32| match (x, y) {
        (20.0..50.0, 20.0..40.0) => BLUE,
        (100.0..160.0, 60.0..120.0) => RED,
        _ => GREEN,
    };
    // Most of the box is background.
    let (frames, _) = cut(3, &scene, &[box_hint(1, [5.0, 5.0, 70.0, 60.0], false)]);
    assert!(frames.iter().all(|frame| alpha(frame, 35.0, 30.0) < 1.0 && alpha(frame, 130.0, 90.0) > 250.0));
    let (frames, _) = cut(3, &scene, &[box_hint(1, [0.0, 0.0, 192.0, 144.0], true)]);
    assert!(frames.iter().all(|frame| frame.alpha().unwrap().iter().all(|&alpha| alpha == 255)));
}

#[test]
fn a_point_on_the_rim_of_a_hole_selects_the_nearer_region() {
    let scene = |_, x, y| ring(0, x, y, GREEN, GREEN, 0.0);
    for x in [81.0, 82.5] {
        let (frames, frame_counts) = cut(4, &scene, &[point_hint(2, x, 70.0, true)]);
        assert_eq!(frame_counts, [4], "{x}");
        assert!(frames.iter().all(|frame| least_within(frame, [60.0, 70.0], 36.0) > 250), "{x}");
    }
}

#[test]
fn a_hint_ends_at_a_cut() {
    let scene = |frame: usize, x: f32, y: f32| match frame {
        ..6 => ring(frame, x, y, GREEN, GREEN, 0.0),
        _ if (20.0..170.0).contains(&x) && (90.0..130.0).contains(&y) => BLUE,
        _ => GREEN,
    };
    let (frames, frame_counts) = cut(12, &scene, &[point_hint(1, 62.0, 70.0, true)]);
    assert_eq!(frame_counts, [6]);
    assert!(alpha(&frames[3], middle(3)[0], 70.0) > 250.0);
    let after: Vec<f32> = (6..12).map(|at| alpha(&frames[at], middle(at)[0], 70.0)).collect();
    assert!(after.iter().all(|alpha| *alpha < 10.0), "{after:?}");
}

#[test]
fn a_region_that_jumps_by_half_its_size_is_followed() {
    let place = |frame: usize| [40.0 + 22.0 * frame as f32, 70.0];
    let scene = |frame: usize, x: f32, y: f32| {
        let [mx, my] = place(frame);
        match (x - mx).hypot(y - my) {
            ..12.0 => GREEN,
            ..33.0 => RED,
            _ => GREEN,
        }
    };
    let (frames, frame_counts) = cut(6, &scene, &[point_hint(0, 40.0, 70.0, true)]);
    assert_eq!(frame_counts, [6]);
    for (at, frame) in frames.iter().enumerate() {
        assert!(least_within(frame, place(at), 30.0) > 250, "frame {at}");
    }
}

#[test]
fn a_region_that_is_covered_for_a_while_is_found_again() {
    let scene = |frame: usize, x: f32, y: f32| match (x - 70.0).hypot(y - 70.0) {
        ..12.0 if !(3..6).contains(&frame) => GREEN,
        ..36.0 => RED,
        _ => GREEN,
    };
    let (frames, frame_counts) = cut(9, &scene, &[point_hint(0, 70.0, 70.0, true)]);
    assert_eq!(frame_counts, [6]);
    assert!(frames.iter().all(|frame| least_within(frame, [70.0, 70.0], 30.0) > 250));
}

#[test]
fn a_point_on_the_outer_background_selects_nothing() {
    let scene = |frame, x, y| ring(frame, x, y, GREEN, GREEN, 0.0);
    let (frames, frame_counts) = cut(3, &scene, &[point_hint(1, 10.0, 130.0, true), point_hint(1, 10.0, 130.0, false)]);
    assert_eq!(frame_counts, [0, 0]);
    assert!(frames.iter().all(|frame| alpha(frame, 10.0, 130.0) < 1.0));
}

#[test]
fn hints_override_the_matte_of_a_model() {
    let scene = |frame, x, y| ring(frame, x, y, GREEN, WHITE, 0.0);
    let Followed { maps, .. } = follow(
        &[point_hint(0, 60.0, 70.0, true), point_hint(0, 60.0, 38.0, false)],
        &clip(1, 2, &scene),
        None,
        &|| true,
    );
    let seen = clip(1, 1, &scene).remove(0);
    let mut matte = Frame::new(seen.format().with_alpha());
    matte.planes_mut()[3].fill(128);
    maps[0].as_ref().unwrap().overrule(&mut matte, seen.bytes());
    let found = [(60.0, 70.0), (60.0, 38.0), (10.0, 10.0)].map(|(x, y)| alpha(&matte, x, y).round() as u8);
    assert_eq!(found, [255, 0, 128]);
    assert!(matte.y()[70 * WIDTH + 60].abs_diff(WHITE[0]) <= 1);
}
