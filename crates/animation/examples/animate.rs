//! Benchmark that encodes raw frames to an animation:
//! `animate webp|apng|gif WIDTHxHEIGHT FPS bt601|bt709 QUALITY THREADS RAW OUT`.
//!
//! RAW holds `yuva420p` frames. Prints frames, patches, bytes and seconds.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read},
    num::NonZeroUsize,
    sync::Arc,
    time::Instant,
};

use clearcut_animation::{AnimationSettings, encode_apng, encode_gif, encode_webp};
use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [format, size, rate, matrix, quality, threads, raw, out] = &args[..] else {
        return Err("animate webp|apng|gif WIDTHxHEIGHT FPS bt601|bt709 QUALITY THREADS RAW OUT".into());
    };
    let (width, height) = size.split_once('x').ok_or("no size")?;
    let frame = FrameFormat {
        size: Size::new(width.parse()?, height.parse()?).ok_or("an empty size")?,
        subsampling: Subsampling::Half,
        has_alpha: true,
        matrix: if matrix == "bt601" { Matrix::Bt601 } else { Matrix::Bt709 },
    };
    let threads = threads.parse::<NonZeroUsize>()?;
    let settings = AnimationSettings {
        frame,
        frame_rate: rate.parse()?,
        quality: quality.parse()?,
        threads,
        first_frame: 0,
        plays: 0,
    };
    let mut raw = BufReader::new(File::open(raw)?);
    let frames = std::iter::from_fn(|| {
        let mut frame = Frame::new(frame);
        raw.read_exact(frame.bytes_mut()).ok()?;
        Some(Arc::new(frame))
    });
    let (out, spool) = (BufWriter::new(File::create(out)?), out.clone() + ".frames");
    let start = Instant::now();
    let summary = match format.as_str() {
        "apng" => encode_apng(&settings, frames, out)?,
        "gif" => {
            let file = File::options().read(true).write(true).create_new(true).open(&spool)?;
            let summary = encode_gif(&settings, frames, file, out, || false)?;
            std::fs::remove_file(spool)?;
            summary
        }
        _ => encode_webp(&settings, frames, out)?,
    };
    println!("{} {} {} {:.3}", summary.frames, summary.patches, summary.bytes, start.elapsed().as_secs_f64());
    Ok(())
}
