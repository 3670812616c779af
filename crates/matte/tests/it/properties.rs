//! Property tests of the keyer: symmetry, noise, monotonic tolerance, and arbitrary input.

use clearcut_frame::{Frame, FrameFormat, Subsampling};
use clearcut_matte::Background;
use proptest::prelude::*;

use crate::canvas::{GREEN, RED, cut, cut_one, disc_alpha, format, mixed, painted};

const SIDE: usize = 64;

fn square() -> FrameFormat {
    format(SIDE as u32, SIDE as u32, Subsampling::Full)
}

/// A red disc off the centre, below it a soft disc with a hue related to the background's, and a
/// bar at the border.
fn scene(x: usize, y: usize) -> [f32; 3] {
    let disc = disc_alpha((x + 12).min(SIDE), y + 6, SIDE, 14.0);
    let related = 0.6 * disc_alpha(x, y.saturating_sub(18), SIDE, 7.0);
    let bar = f32::from(u8::from(x > 50 && y < 9));
    let with_disc = mixed(RED, GREEN, disc.max(bar));
    [0, 1, 2].map(|k| with_disc[k] + related * ([140.0, 110.0, 120.0][k] - with_disc[k]))
}

/// The frame with the rows and columns of every plane rearranged. `from(x, y)` returns the source
/// of a pixel.
fn rearranged(frame: &Frame, from: impl Fn(usize, usize) -> (usize, usize)) -> Frame {
    let mut out = frame.clone();
    let sources: Vec<usize> = (0..SIDE * SIDE)
        .map(|index| {
            let (x, y) = from(index % SIDE, index / SIDE);
            y * SIDE + x
        })
        .collect();
    let given = [frame.y(), frame.cb(), frame.cr(), frame.alpha().unwrap_or_default()];
    for (plane, given) in out.planes_mut().into_iter().zip(given) {
        for (value, source) in plane.iter_mut().zip(&sources) {
            *value = given[*source];
        }
    }
    out
}

/// Number of pixels whose alpha differs by more than a twentieth.
fn differing(a: &Frame, b: &Frame) -> usize {
    let (a, b) = (a.alpha().unwrap(), b.alpha().unwrap());
    a.iter().zip(b).filter(|(a, b)| a.abs_diff(**b) > 13).count()
}

#[test]
fn a_mirrored_or_transposed_frame_has_the_mirrored_or_transposed_matte() {
    let frame = painted(square(), 1, scene);
    let matte = cut_one(&frame);
    let mirror = |x: usize, y: usize| (SIDE - 1 - x, y);
    let transpose = |x: usize, y: usize| (y, x);
    let mirrored = differing(&cut_one(&rearranged(&frame, mirror)), &rearranged(&matte, mirror));
    let transposed = differing(&cut_one(&rearranged(&frame, transpose)), &rearranged(&matte, transpose));
    // A pixel equally near to two edge pixels is assigned to the one that is met first.
    assert!(mirrored <= 12 && transposed <= 12, "{mirrored} and {transposed} pixels differ");
}

#[test]
fn a_shifted_frame_has_the_shifted_matte() {
    let inner = |x: usize, y: usize| mixed(RED, GREEN, disc_alpha(x, y, SIDE, 14.0));
    let frame = painted(square(), 0, inner);
    let shift = |x: usize, y: usize| ((x + SIDE - 5) % SIDE, (y + SIDE - 3) % SIDE);
    let shifted = differing(&cut_one(&rearranged(&frame, shift)), &rearranged(&cut_one(&frame), shift));
    assert!(shifted <= 6, "{shifted} pixels differ");
}

#[test]
fn more_noise_makes_no_holes() {
    for grain in [1, 2, 4] {
        let out = cut_one(&painted(square(), grain, |x, y| mixed(RED, GREEN, disc_alpha(x, y, SIDE, 20.0))));
        let alpha = out.alpha().unwrap();
        let inside = (0..SIDE * SIDE).filter(|&i| disc_alpha(i % SIDE, i / SIDE, SIDE, 16.0) >= 1.0);
        let holes = inside.filter(|&i| alpha[i] < 230).count();
        let residue =
            (0..SIDE * SIDE).filter(|&i| disc_alpha(i % SIDE, i / SIDE, SIDE, 26.0) <= 0.0 && alpha[i] > 25).count();
        assert_eq!((holes, residue), (0, 0), "grain {grain}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn alpha_never_rises_with_the_tolerance(
        grain in 0_u8..5,
        subject in prop::array::uniform3(30_u8..220),
        low in 0_u8..=100,
        more in 1_u8..=60,
    ) {
        let disc = |x: usize, y: usize| disc_alpha(x, y, SIDE, 20.0) - 0.7 * disc_alpha(x, y, SIDE, 8.0);
        let clip: Vec<Frame> =
            (0..3).map(|t| painted(square(), grain, |x, y| mixed(subject, GREEN, disc((x + t).min(SIDE), y)))).collect();
        let background = Background::estimate(&clip, None).unwrap();
        let lower = cut(&clip, &background, low);
        let higher = cut(&clip, &background, (low + more).min(100));
        for (lower, higher) in lower.iter().zip(&higher) {
            let risen = lower.alpha().unwrap().iter().zip(higher.alpha().unwrap()).filter(|(low, high)| high > low);
            prop_assert_eq!(risen.count(), 0);
        }
    }

    #[test]
    fn no_frame_makes_the_keyer_panic(
        width in 1_u32..12,
        height in 1_u32..12,
        is_half in any::<bool>(),
        given in any::<bool>(),
        bytes in prop::collection::vec(any::<u8>(), 3 * 12 * 12),
        tolerance in 0_u8..=100,
    ) {
        let format = format(width, height, if is_half { Subsampling::Half } else { Subsampling::Full });
        let clip = [Frame::from_bytes(format, bytes[..format.byte_len()].to_vec()).unwrap()];
        let key_color = given.then(|| format.matrix.rgb8(clearcut_frame::Ycc8 { y: bytes[0], cb: bytes[1], cr: bytes[2] }));
        if let Ok(background) = Background::estimate(&clip, key_color) {
            prop_assert_eq!(cut(&clip, &background, tolerance).len(), 1);
        }
    }
}
