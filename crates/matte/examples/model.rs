//! Command-line matting for measurements: mattes a raw stream with precomputed masks of a model,
//! one for every frame, and prints timings to standard error.
//!
//! ```text
//! model WIDTH HEIGHT bt601|bt709 MASKS SIDE [best|balanced|fast] < in.yuv420p > out.yuva420p
//! ```
//!
//! MASKS is a file of SIDE × SIDE little-endian floats per frame.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};

use clearcut_frame::{Frame, FrameFormat, Matrix, Size, Subsampling};
use clearcut_matte::{ModelError, ModelInput, Pace, SegmentationModel, Segmenter, Trace};

/// A model that returns the precomputed mask of the frame `frame`.
struct DumpedMasks {
    side: usize,
    masks: Vec<f32>,
    frame: usize,
}

impl SegmentationModel for DumpedMasks {
    fn input(&self) -> ModelInput {
        ModelInput {
            width: self.side,
            height: self.side,
            mean: [0.485, 0.456, 0.406],
            deviation: [0.229, 0.224, 0.225],
        }
    }

    fn segment(&mut self, _: &[f32]) -> Result<Vec<f32>, ModelError> {
        let len = self.side * self.side;
        Ok(self.masks.get(self.frame * len..(self.frame + 1) * len).unwrap_or_default().to_vec())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [width, height, matrix, masks, side, ..] = args.as_slice() else {
        return Err("WIDTH HEIGHT bt601|bt709 MASKS SIDE [best|balanced|fast]".into());
    };
    let size = Size::new(width.parse()?, height.parse()?).ok_or("a side is 0")?;
    let matrix = if matrix == "bt601" { Matrix::Bt601 } else { Matrix::Bt709 };
    let pace = match args.get(5).map(String::as_str) {
        Some("best") => Pace::Best,
        Some("fast") => Pace::Fast,
        _ => Pace::Balanced,
    };
    let masks = std::fs::read(masks)?.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let mut model = DumpedMasks { side: side.parse()?, masks, frame: 0 };
    let format = FrameFormat { size, subsampling: Subsampling::Half, has_alpha: false, matrix };
    let segmenter = Segmenter::new(pace);
    let mut shots = segmenter.shot_detector();
    let (mut input, mut out) = (io::stdin().lock(), io::stdout().lock());
    let mut waiting: VecDeque<Frame> = VecDeque::new();
    let mut window: VecDeque<Trace> = VecDeque::new();
    let (mut next, mut count, mut keyframes) = (0, 0, 0); // `next`: index in `window` of the first of `waiting`.
    let mut secs = [0.0; 3];
    loop {
        let mut frame = Frame::new(format);
        let at_end = input.read_exact(frame.bytes_mut()).is_err();
        let start = cpu_secs();
        if at_end {
            window.back_mut().into_iter().for_each(|last| shots.end(last));
        } else {
            let mut trace = segmenter.analyze(&frame);
            shots.detect(window.back_mut(), &mut trace);
            window.push_back(trace);
            waiting.push_back(frame);
            count += 1;
        }
        secs[0] += cpu_secs() - start;
        let start = cpu_secs();
        let held = waiting.len();
        for (at, (frame, trace)) in waiting.iter().zip(window.range_mut(next..)).enumerate() {
            keyframes += usize::from(trace.awaits_model());
            model.frame = count - held + at;
            segmenter.segment(frame, trace, &mut model)?;
        }
        secs[1] += cpu_secs() - start;
        let start = cpu_secs();
        while window.len() - next > if at_end { 0 } else { Segmenter::REACH } {
            let Some(frame) = waiting.pop_front() else { break };
            let before: Vec<&Trace> = window.range(..next).rev().collect();
            let after: Vec<&Trace> = window.range(next + 1..).collect();
            let cut = segmenter.finish(&before, frame, &window[next], &after);
            out.write_all(cut.bytes())?;
            next += 1;
            if next > Segmenter::REACH {
                window.pop_front();
                next -= 1;
            }
        }
        secs[2] += cpu_secs() - start;
        if at_end {
            break;
        }
    }
    let [look, segment, finish] = secs.map(|secs| secs * 1e3 / count.max(1) as f64);
    eprintln!(
        "{count} frames, {keyframes} keyframes; ms a frame: look {look:.1}, segment {segment:.1}, finish {finish:.1}"
    );
    Ok(())
}

/// Processor time of this thread in seconds. Other load on the machine does not count.
fn cpu_secs() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}
