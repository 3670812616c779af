//! Hints: a region named in one frame is subject or background in every frame that shows it.

use clearcut_frame::{Area, Frame, Subsampling};
use clearcut_matte::{Background, Followed, Hint, KeySettings, Keyer, Pockets, follow};

use crate::canvas::{GREEN, RED, WHITE, format, painted};

const WIDTH: usize = 192;
const HEIGHT: usize = 144;
const BLUE: [u8; 3] = [60, 200, 100];

/// A frame: what is at a place.
type Scene<'a> = dyn Fn(usize, f32, f32) -> [u8; 3] + 'a;

/// `count` frames of a scene, each `scale`-th column and row of it.
fn clip(count: usize, scale: usize, scene: &Scene) -> Vec<Frame> {
    let format = format((WIDTH / scale) as u32, (HEIGHT / scale) as u32, Subsampling::Half);
    let middle = |at: usize| scale as f32 * (at as f32 + 0.5);
    (0..count).map(|frame| painted(format, 1, |x, y| scene(frame, middle(x), middle(y)).map(f32::from))).collect()
}

/// A hint of a place in pixels.
fn hint(frame: usize, x: f64, y: f64, keeps: bool) -> Hint {
    Hint { frame, area: Area::Point { x: x / WIDTH as f64, y: y / HEIGHT as f64 }, keeps }
}

fn boxed(frame: usize, [x, y, width, height]: [f64; 4], keeps: bool) -> Hint {
    let (across, down) = (WIDTH as f64, HEIGHT as f64);
    let area = Area::Box { x: x / across, y: y / down, width: width / across, height: height / down };
    Hint { frame, area, keeps }
}

/// The mattes of a scene with hints, and in how many frames each of these holds. Regions are followed at half the size.
fn cut(count: usize, scene: &Scene, hints: &[Hint]) -> (Vec<Frame>, Vec<usize>) {
    let frames = clip(count, 1, scene);
    let background = Background::estimate(&frames, None).unwrap();
    let Followed { maps, frames: held } = follow(hints, &clip(count, 2, scene), Some(&background), &|| true);
    let keyer = Keyer::new(background, KeySettings::default());
    let mut pockets = Pockets::default();
    let keyed: Vec<_> = frames
        .into_iter()
        .zip(&maps)
        .map(|(frame, map)| {
            let mut looked = keyer.look(frame, map.as_ref());
            pockets.settle(&mut looked);
            keyer.key(looked)
        })
        .collect();
    let cut = (0..keyed.len()).map(|at| {
        let before: Vec<_> = at.checked_sub(1).map(|before| &keyed[before]).into_iter().collect();
        let after: Vec<_> = keyed.get(at + 1).into_iter().collect();
        keyer.finish(&before, &keyed[at], &after)
    });
    (cut.collect(), held)
}

/// Mean alpha of the 7×7 pixels around a place.
fn alpha(frame: &Frame, x: f32, y: f32) -> f32 {
    let (left, top) = (x as usize - 3, y as usize - 3);
    let rows = (top..top + 7).flat_map(|y| frame.alpha().unwrap()[y * WIDTH + left..][..7].iter());
    rows.map(|&alpha| f32::from(alpha)).sum::<f32>() / 49.0
}

/// The least alpha within `radius` of a place.
fn least_within(frame: &Frame, [x, y]: [f32; 2], radius: f32) -> u8 {
    let inside = |at: &usize| ((at % WIDTH) as f32 + 0.5 - x).hypot((at / WIDTH) as f32 + 0.5 - y) <= radius;
    (0..WIDTH * HEIGHT).filter(inside).map(|at| frame.alpha().unwrap()[at]).min().unwrap()
}

/// The middle of a ring that goes to and fro, two pixels a frame.
fn middle(frame: usize) -> [f32; 2] {
    [60.0 + 2.0 * frame as f32, 70.0]
}

/// A red ring around `filling`, on `ground`; a gap of so many pixels on its right.
fn ring(frame: usize, x: f32, y: f32, ground: [u8; 3], filling: [u8; 3], gap: f32) -> [u8; 3] {
    let [mx, my] = middle(frame);
    let (dx, dy) = (x - mx, y - my);
    match dx.hypot(dy) {
        ..24.0 => filling,
        ..40.0 if dx > 0.0 && dy.abs() < gap / 2.0 => filling,
        ..40.0 => RED,
        _ => ground,
    }
}

#[test]
fn a_hole_that_is_to_be_kept_is_solid_in_every_frame() {
    let scene = |frame, x, y| ring(frame, x, y, GREEN, GREEN, 0.0);
    let (open, _) = cut(20, &scene, &[]);
    assert!(alpha(&open[3], middle(3)[0], 70.0) < 2.0);
    let (frames, held) = cut(20, &scene, &[hint(8, 76.0, 70.0, true)]);
    assert_eq!(held, [20]);
    for (at, frame) in frames.iter().enumerate() {
        assert!(least_within(frame, middle(at), 36.0) > 250, "frame {at}");
        assert!(alpha(frame, middle(at)[0], 20.0) < 2.0, "frame {at}");
    }
}

#[test]
fn a_hole_with_a_neck_to_the_outside_is_kept_without_the_outside() {
    let scene = |frame, x, y| ring(frame, x, y, GREEN, GREEN, 10.0);
    let (frames, held) = cut(20, &scene, &[hint(8, 76.0, 70.0, true)]);
    assert_eq!(held, [20]);
    for (at, frame) in frames.iter().enumerate() {
        assert!(least_within(frame, middle(at), 22.0) > 250, "frame {at}");
        assert!(alpha(frame, middle(at)[0] + 50.0, 70.0) < 2.0, "frame {at}");
    }
}

#[test]
fn a_look_alike_that_is_to_be_removed_is_clear_in_every_frame() {
    let scene = |frame, x, y| ring(frame, x, y, WHITE, WHITE, 0.0);
    let (kept, _) = cut(20, &scene, &[]);
    assert!(alpha(&kept[3], middle(3)[0], 70.0) > 250.0);
    let (frames, held) = cut(20, &scene, &[hint(19, 98.0, 70.0, false)]);
    assert_eq!(held, [20]);
    for (at, frame) in frames.iter().enumerate() {
        assert!(alpha(frame, middle(at)[0], 70.0) < 2.0, "frame {at}");
        assert!(alpha(frame, middle(at)[0] + 32.0, 70.0) > 250.0, "frame {at}");
    }
}

#[test]
fn another_thing_is_removed_with_its_rim() {
    // A soft-edged blue disc that comes from below, beside a ring with a red filling.
    let scene = |frame: usize, x: f32, y: f32| {
        let share = (16.5 - (x - 150.0).hypot(y - 140.0 + 5.0 * frame as f32)).clamp(0.0, 1.0);
        let under = ring(frame, x, y, GREEN, RED, 0.0);
        [0, 1, 2].map(|k| (share * f32::from(BLUE[k]) + (1.0 - share) * f32::from(under[k])) as u8)
    };
    let (frames, held) = cut(12, &scene, &[hint(6, 150.0, 110.0, false)]);
    assert!(held[0] >= 11, "{held:?}");
    for (at, frame) in frames.iter().enumerate().skip(1) {
        let right = (0..WIDTH * HEIGHT).filter(|at| at % WIDTH > 130).map(|at| frame.alpha().unwrap()[at]);
        assert!(right.max().unwrap() < 26, "frame {at}");
        assert!(least_within(frame, middle(at), 36.0) > 250, "frame {at}");
    }
}

#[test]
fn a_box_means_all_that_lies_in_it() {
    // Stripes: no region of one color.
    let scene = |_, x: f32, y: f32| match (x, y) {
        (10.0..50.0, 10.0..30.0) => [[RED, BLUE, WHITE][x as usize / 6 % 3], WHITE][usize::from(y > 20.0)],
        (100.0..160.0, 60.0..120.0) => RED,
        _ => GREEN,
    };
    let (frames, held) =
        cut(6, &scene, &[boxed(2, [6.0, 6.0, 48.0, 28.0], false), boxed(4, [90.0, 50.0, 6.0, 6.0], true)]);
    assert_eq!(held, [6, 6]);
    for frame in &frames {
        assert!(alpha(frame, 30.0, 20.0) < 1.0 && alpha(frame, 12.0, 12.0) < 1.0);
        assert!(least_within(frame, [93.0, 53.0], 2.0) == 255);
        assert!(alpha(frame, 130.0, 90.0) > 250.0);
    }
}

#[test]
fn a_box_drawn_loosely_around_a_thing_removes_it() {
    let scene = |_, x: f32, y: f32| match (x, y) {
        (20.0..50.0, 20.0..40.0) => BLUE,
        (100.0..160.0, 60.0..120.0) => RED,
        _ => GREEN,
    };
    // Most of the box is background.
    let (frames, _) = cut(3, &scene, &[boxed(1, [5.0, 5.0, 70.0, 60.0], false)]);
    assert!(frames.iter().all(|frame| alpha(frame, 35.0, 30.0) < 1.0 && alpha(frame, 130.0, 90.0) > 250.0));
    let (frames, _) = cut(3, &scene, &[boxed(1, [0.0, 0.0, 192.0, 144.0], true)]);
    assert!(frames.iter().all(|frame| frame.alpha().unwrap().iter().all(|&alpha| alpha == 255)));
}

#[test]
fn a_point_on_the_rim_of_a_hole_means_what_it_is_nearer_to() {
    let scene = |_, x, y| ring(0, x, y, GREEN, GREEN, 0.0);
    for x in [81.0, 82.5] {
        let (frames, held) = cut(4, &scene, &[hint(2, x, 70.0, true)]);
        assert_eq!(held, [4], "{x}");
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
    let (frames, held) = cut(12, &scene, &[hint(1, 62.0, 70.0, true)]);
    assert_eq!(held, [6]);
    assert!(alpha(&frames[3], middle(3)[0], 70.0) > 250.0);
    let after: Vec<f32> = (6..12).map(|at| alpha(&frames[at], middle(at)[0], 70.0)).collect();
    assert!(after.iter().all(|alpha| *alpha < 10.0), "{after:?}");
}

#[test]
fn what_jumps_by_half_its_size_is_followed() {
    let place = |frame: usize| [40.0 + 22.0 * frame as f32, 70.0];
    let scene = |frame: usize, x: f32, y: f32| {
        let [mx, my] = place(frame);
        match (x - mx).hypot(y - my) {
            ..12.0 => GREEN,
            ..33.0 => RED,
            _ => GREEN,
        }
    };
    let (frames, held) = cut(6, &scene, &[hint(0, 40.0, 70.0, true)]);
    assert_eq!(held, [6]);
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
    let (frames, held) = cut(9, &scene, &[hint(0, 70.0, 70.0, true)]);
    assert_eq!(held, [6]);
    assert!(frames.iter().all(|frame| least_within(frame, [70.0, 70.0], 30.0) > 250));
}

#[test]
fn the_background_outside_is_no_region_to_keep() {
    let scene = |frame, x, y| ring(frame, x, y, GREEN, GREEN, 0.0);
    let (frames, held) = cut(3, &scene, &[hint(1, 10.0, 130.0, true), hint(1, 10.0, 130.0, false)]);
    assert_eq!(held, [0, 0]);
    assert!(frames.iter().all(|frame| alpha(frame, 10.0, 130.0) < 1.0));
}

#[test]
fn a_matte_of_a_model_is_overruled() {
    let scene = |frame, x, y| ring(frame, x, y, GREEN, WHITE, 0.0);
    let Followed { maps, .. } =
        follow(&[hint(0, 60.0, 70.0, true), hint(0, 60.0, 38.0, false)], &clip(1, 2, &scene), None, &|| true);
    let seen = clip(1, 1, &scene).remove(0);
    let mut matte = Frame::new(seen.format().with_alpha());
    matte.planes_mut()[3].fill(128);
    maps[0].as_ref().unwrap().overrule(&mut matte, seen.bytes());
    let found = [(60.0, 70.0), (60.0, 38.0), (10.0, 10.0)].map(|(x, y)| alpha(&matte, x, y).round() as u8);
    assert_eq!(found, [255, 0, 128]);
    assert!(matte.y()[70 * WIDTH + 60].abs_diff(WHITE[0]) <= 1);
}
