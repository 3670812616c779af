//! Tests of the pair of files for editors: the foreground, and the matte that cuts it out.

use clearcut_job::OutputFormat::{Apng, Foreground, Matte};

use crate::{
    clips::{FRAMES, HEIGHT, WIDTH, master},
    cutting::{cut, request},
    media::{Decoded, probe},
};

#[test]
fn a_foreground_and_its_matte_give_the_cut_without_the_old_background() {
    let cut = cut(master(), &request("foreground,matte,apng"));
    let properties = |format| probe(cut.output(format), "width,height,pix_fmt,color_range,r_frame_rate,nb_read_frames");
    assert_eq!(properties(Foreground), format!("{WIDTH},{HEIGHT},yuv420p,tv,24/1,{FRAMES}"));
    assert_eq!(properties(Matte), properties(Foreground).replace("yuv420p,tv", "yuvj420p,pc"));
    let [color, matte, expected] =
        [Foreground, Matte, Apng].map(|format| Decoded::read(cut.output(format), (WIDTH, HEIGHT), false).frames);
    let (mut off, mut count) = (0.0, 0.0);
    for ((color, matte), expected) in color.iter().zip(&matte).zip(&expected) {
        let pixels = color.chunks_exact(4).zip(matte.chunks_exact(4)).zip(expected.chunks_exact(4));
        for ((color, matte), expected) in pixels {
            // The background is #28BE3C; nothing in the subject is greener than red and blue.
            let green = i32::from(color[1]) - i32::from(color[0].max(color[2]));
            assert!(color[3] == 255 && green < 40, "{color:?} at a matte of {}", matte[0]);
            for k in 0..3 {
                let over = |color: u8, alpha: u8| f64::from(color) * f64::from(alpha) / 255.0;
                off += (over(color[k], matte[0]) - over(expected[k], expected[3])).abs();
                count += 1.0;
            }
        }
    }
    assert!(off / count < 1.5, "over black, it differs by {}", off / count);
}
