//! Benchmark of the accuracy of animations: `score REFERENCE FPS FILE...`, where REFERENCE holds
//! raw `rgba` frames. Prints for each WebP, APNG or GIF file its bytes, its frames, the PSNR of color
//! over opaque pixels in dB, and the mean absolute error of alpha in levels of 255.

use std::{fs::File, io::BufReader, time::Duration};

use clearcut_frame::FrameRate;

/// Callback for each composed frame and the time in milliseconds at which it ends.
type OnFrame<'a> = &'a mut dyn FnMut(&[u8], f64);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [reference, rate, files @ ..] = &args[..] else { return Err("REFERENCE FPS FILE...".into()) };
    let (reference, rate) = (std::fs::read(reference)?, rate.parse::<FrameRate>()?);
    for file in files {
        let bytes = std::fs::read(file)?;
        let (mut squared_errors, mut color_samples, mut alpha_errors, mut samples, mut next_frame) =
            (0_u64, 0_u64, 0_u64, 0_u64, 0);
        let mut on_frame = |frame: &[u8], until_ms: f64| {
            let until = rate.frames_in(Duration::from_secs_f64(until_ms.max(0.0) / 1000.0)).max(next_frame + 1);
            for index in next_frame..until {
                let expected = reference.chunks_exact(frame.len()).nth(index as usize).unwrap_or_default();
                for (expected, actual) in expected.chunks_exact(4).zip(frame.chunks_exact(4)) {
                    alpha_errors += u64::from(expected[3].abs_diff(actual[3]));
                    samples += 1;
                    if expected[3] == 255 {
                        squared_errors +=
                            (0..3).map(|c| u64::from(expected[c].abs_diff(actual[c])).pow(2)).sum::<u64>();
                        color_samples += 3;
                    }
                }
            }
            next_frame = until;
        };
        if bytes.starts_with(b"RIFF") {
            read_webp(&bytes, &mut on_frame)?;
        } else if bytes.starts_with(b"GIF") {
            read_gif(&bytes, &mut on_frame)?;
        } else {
            read_apng(file, &mut on_frame)?;
        }
        let mse = squared_errors as f64 / color_samples.max(1) as f64;
        let psnr = 10.0 * (255.0_f64.powi(2) / mse).log10();
        println!("{} {next_frame} {psnr:.3} {:.4}", bytes.len(), alpha_errors as f64 / samples.max(1) as f64);
    }
    Ok(())
}

fn read_webp(bytes: &[u8], on_frame: OnFrame) -> Result<(), Box<dyn std::error::Error>> {
    let decoder = webp_animation::Decoder::new(bytes).map_err(|error| format!("{error:?}"))?;
    for frame in decoder {
        on_frame(frame.data(), f64::from(frame.timestamp()));
    }
    Ok(())
}

fn read_gif(bytes: &[u8], on_frame: OnFrame) -> Result<(), Box<dyn std::error::Error>> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes)?;
    let width = usize::from(decoder.width());
    let mut canvas = vec![0; 4 * width * usize::from(decoder.height())];
    let mut until_ms = 0.0;
    while let Some(patch) = decoder.read_next_frame()? {
        let (left, row_len) = (usize::from(patch.left) * 4, usize::from(patch.width) * 4);
        let rows = || (patch.top.into()..).take(patch.height.into()).map(|row: usize| row * width * 4 + left);
        let before = canvas.clone();
        for (row, from) in rows().zip(patch.buffer.chunks_exact(row_len)) {
            for (to, from) in canvas[row..row + row_len].chunks_exact_mut(4).zip(from.chunks_exact(4)) {
                if from[3] > 0 {
                    to.copy_from_slice(from);
                }
            }
        }
        until_ms += f64::from(patch.delay) * 10.0;
        on_frame(&canvas, until_ms);
        match patch.dispose {
            gif::DisposalMethod::Any | gif::DisposalMethod::Keep => {}
            gif::DisposalMethod::Background => rows().for_each(|row| canvas[row..row + row_len].fill(0)),
            gif::DisposalMethod::Previous => canvas = before,
        }
    }
    Ok(())
}

fn read_apng(file: &str, on_frame: OnFrame) -> Result<(), Box<dyn std::error::Error>> {
    let mut reader = png::Decoder::new(BufReader::new(File::open(file)?)).read_info()?;
    let (width, frames) = (reader.info().width as usize, reader.info().animation_control().map_or(1, |c| c.num_frames));
    let mut canvas = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let (mut raw, mut until_ms) = (canvas.clone(), 0.0);
    for _ in 0..frames {
        reader.next_frame(&mut raw)?;
        let control = *reader.info().frame_control().ok_or("no frame control")?;
        let before = canvas.clone();
        let (left, row_len) = (control.x_offset as usize * 4, control.width as usize * 4);
        let rows = || (control.y_offset as usize..).take(control.height as usize).map(|row| row * width * 4 + left);
        for (row, from) in rows().zip(raw.chunks_exact(row_len)) {
            let over = control.blend_op == png::BlendOp::Over;
            for (to, from) in canvas[row..row + row_len].chunks_exact_mut(4).zip(from.chunks_exact(4)) {
                blend(to, from, over);
            }
        }
        until_ms += 1000.0 * f64::from(control.delay_num) / f64::from(control.delay_den.max(1));
        on_frame(&canvas, until_ms);
        match control.dispose_op {
            png::DisposeOp::None => {}
            png::DisposeOp::Background => rows().for_each(|row| canvas[row..row + row_len].fill(0)),
            png::DisposeOp::Previous => canvas = before,
        }
    }
    Ok(())
}

/// Alpha compositing of one pixel (PNG specification §13.16).
fn blend(to: &mut [u8], from: &[u8], over: bool) {
    let (alpha, below) = (f64::from(from[3]) / 255.0, f64::from(to[3]) / 255.0);
    let out = alpha + below * (1.0 - alpha);
    if !over || from[3] == 255 || out == 0.0 {
        to.copy_from_slice(from);
        return;
    }
    for channel in 0..3 {
        let mixed = f64::from(from[channel]) * alpha + f64::from(to[channel]) * below * (1.0 - alpha);
        to[channel] = (mixed / out).round() as u8;
    }
    to[3] = (out * 255.0).round() as u8;
}
