//! Master clips of the tests: a soft-edged subject that moves over a noisy, slightly uneven flat
//! background.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::media::ffmpeg;

/// Width, height and number of frames of the master.
pub(crate) const WIDTH: usize = 160;
pub(crate) const HEIGHT: usize = 120;
pub(crate) const FRAMES: usize = 24;

/// ffmpeg arguments for H.264 as in most clips, to be placed between the input and the output name.
pub(crate) const H264: &str = "-vf scale=out_color_matrix=bt709 -c:v libx264 -preset veryfast -pix_fmt yuv420p -crf 23 \
                               -colorspace bt709 -color_primaries bt709 -color_trc bt709";

/// Alpha of the subject as an expression for geq: a disc whose edge ramps over four pixels.
const SUBJECT: &str = "clip((38-hypot(X-80-12*sin(N/4),Y-62))/4+0.5,0,1)";

/// Lossless master from which all clips are encoded: 24 frames of 160×120 at 24 frames per second.
/// Made once.
pub(crate) fn master() -> &'static Path {
    static MASTER: OnceLock<PathBuf> = OnceLock::new();
    MASTER.get_or_init(|| {
        let mix =
            |background: &str, subject: &str| format!("'st(0,{SUBJECT});({background})*(1-ld(0))+({subject})*ld(0)'");
        let (r, g, b) = (mix("40+6*X/W", "200-Y/2"), mix("190-8*Y/H", "90+20*sin(X/3)"), mix("60+4*X/W", "70+X/4"));
        let frame = format!("color=c=black:s={WIDTH}x{HEIGHT}:r=24,format=gbrp,geq=r={r}:g={g}:b={b}");
        shared_clip("master.mkv", &format!("-f lavfi -i {frame},noise=alls=5:allf=t -frames:v {FRAMES} -c:v ffv1"))
    })
}

/// Makes a clip that all tests share. Concurrent test runs make the same file, and each moves it
/// into place atomically.
pub(crate) fn shared_clip(name: &str, line: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let temporary = tempfile::tempdir_in(folder).unwrap();
    ffmpeg(temporary.path(), &format!("{line} {name}"));
    let path = folder.join(name);
    fs::rename(temporary.path().join(name), &path).unwrap();
    path
}
