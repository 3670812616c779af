//! Makes and inspects media files with the system's ffmpeg. The tests of the program use it too.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Command of the system without standard input.
pub(crate) fn command(program: &str) -> Command {
    #[expect(clippy::disallowed_methods, reason = "tests make and inspect clips with other programs")]
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// Runs ffmpeg with a line of arguments, none of which may contain a space, and returns its
/// standard output.
pub(crate) fn ffmpeg(folder: &Path, line: &str) -> Vec<u8> {
    let output = command("ffmpeg")
        .current_dir(folder)
        .args(["-v", "error", "-y"])
        .args(line.split_whitespace())
        .output()
        .unwrap();
    assert!(output.status.success(), "ffmpeg {line}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// ffprobe's values of the first video stream's `entries`, separated by commas.
pub(crate) fn probe(path: &Path, entries: &str) -> String {
    let output = command("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-count_frames", "-of", "csv=p=0", "-show_entries"])
        .arg(format!("stream={entries}"))
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().trim_end_matches(',').to_owned()
}

/// Path of the repository's sample clip with this name.
pub(crate) fn sample(name: &str) -> String {
    format!("{}/../../samples/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Decoded clip as frames of straight RGBA.
pub(crate) struct Decoded {
    pub(crate) width: usize,
    pub(crate) frames: Vec<Vec<u8>>,
}

impl Decoded {
    /// Decodes a file with its alpha. The halves of a stacked file (`stacked`) are combined as a
    /// player does.
    pub(crate) fn read(path: &Path, (width, height): (usize, usize), stacked: bool) -> Self {
        let name = path.file_name().unwrap().to_str().unwrap();
        let folder = path.parent().unwrap();
        let decoder =
            if path.extension().is_some_and(|extension| extension == "webm") { "-c:v libvpx-vp9" } else { "" };
        let flags = "flags=accurate_rnd+full_chroma_int+full_chroma_inp";
        let raw = ffmpeg(
            folder,
            &format!(
                "{decoder} -i {name} -vf scale=out_range=pc:{flags},format=rgba -fps_mode passthrough -f rawvideo -"
            ),
        );
        if !stacked {
            return Self { width, frames: raw.chunks_exact(width * height * 4).map(<[u8]>::to_vec).collect() };
        }
        let (even_width, even_height) = (width.next_multiple_of(2), height.next_multiple_of(2));
        let unstack = |frame: &[u8]| {
            let (color, matte) = frame.split_at(even_width * even_height * 4);
            let pixel = |index: usize| {
                let at = (index / width * even_width + index % width) * 4;
                [color[at], color[at + 1], color[at + 2], matte[at]]
            };
            (0..width * height).flat_map(pixel).collect()
        };
        Self { width, frames: raw.chunks_exact(even_width * even_height * 8).map(unstack).collect() }
    }

    /// Mean R, G, B and A of a square of `side` pixels around a point.
    pub(crate) fn mean(&self, frame: usize, (x, y): (usize, usize), side: usize) -> [f64; 4] {
        let mut sum = [0.0; 4];
        for row in y - side / 2..y + side.div_ceil(2) {
            for column in x - side / 2..x + side.div_ceil(2) {
                for (channel, sum) in sum.iter_mut().enumerate() {
                    *sum += f64::from(self.frames[frame][(row * self.width + column) * 4 + channel]);
                }
            }
        }
        sum.map(|sum| sum / (side * side) as f64)
    }
}
