//! Command-line keyer for measurements: keys a raw stream and prints timings to standard error.
//!
//! ```text
//! key WIDTH HEIGHT bt601|bt709 [TOLERANCE [half|full]] < in.yuv420p > out.yuva420p
//! ```
//!
//! With `full`, input and output are yuv444p.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    time::Instant,
};

use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling};
use clearcut_matte::{Background, KeySettings, KeyedFrame, Keyer, PocketTracker};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [width, height, matrix, ..] = args.as_slice() else {
        return Err("WIDTH HEIGHT bt601|bt709 [TOLERANCE]".into());
    };
    let size = Size::new(width.parse()?, height.parse()?).ok_or("a side is 0")?;
    let matrix = if matrix == "bt601" { Matrix::Bt601 } else { Matrix::Bt709 };
    let tolerance = args.get(3).map_or(Ok(30), |text| text.parse())?;
    let subsampling =
        if args.get(4).is_some_and(|text| text == "full") { Subsampling::Full } else { Subsampling::Half };
    let format = FrameFormat { size, subsampling, has_alpha: false, matrix };
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let frames: Vec<Frame> =
        bytes.chunks_exact(format.byte_len()).filter_map(|one| Frame::from_bytes(format, one.to_vec())).collect();
    let step = frames.len().div_ceil(24).max(1);
    let samples: Vec<Frame> = frames.iter().step_by(step).cloned().collect();
    let start = Instant::now();
    let background = Background::estimate(&samples, None)?;
    let estimated = start.elapsed();
    eprintln!("{} confidence {:.2}", background.color(), background.confidence());
    let keyer = Keyer::new(background, KeySettings { tolerance, ..KeySettings::default() });
    let pixels = size.pixels() as f64 * frames.len() as f64 / 1e6;
    let (mut key_secs, mut finish_secs) = (0.0, 0.0);
    let mut out = io::stdout().lock();
    let count = frames.len();
    let mut window: VecDeque<KeyedFrame> = VecDeque::new();
    let mut first = 0;
    let mut pockets = PocketTracker::default();
    let mut coming = frames.into_iter();
    for at in 0..count {
        let start = cpu_secs();
        while first + window.len() <= (at + Keyer::REACH).min(count - 1) {
            window.extend(coming.next().map(|frame| {
                let mut compared = keyer.compare(frame, None);
                pockets.classify(&mut compared);
                keyer.key(compared)
            }));
        }
        key_secs += cpu_secs() - start;
        let start = cpu_secs();
        let before: Vec<&KeyedFrame> = window.iter().take(at - first).rev().collect();
        let after: Vec<&KeyedFrame> = window.iter().skip(at - first + 1).collect();
        let frame = keyer.finish(&before, &window[at - first], &after);
        finish_secs += cpu_secs() - start;
        out.write_all(frame.bytes())?;
        while at + 1 > first + Keyer::REACH {
            window.pop_front();
            first += 1;
        }
    }
    eprintln!(
        "estimate {:.0} ms, key {:.0} Mpx/s, finish {:.0} Mpx/s, together {:.0} Mpx/s",
        estimated.as_secs_f64() * 1e3,
        pixels / key_secs,
        pixels / finish_secs,
        pixels / (key_secs + finish_secs)
    );
    Ok(())
}

/// Processor time of this thread in seconds. Other load on the machine does not count.
fn cpu_secs() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}
