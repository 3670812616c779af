//! Test fixtures: clips to encode, and decoders that compose the frames of a file.

use std::{io::Cursor, num::NonZeroUsize, sync::Arc};

use clearcut_animation::{
    AnimationSettings, Error, StoredPart, Summary, encode_apng, encode_webp, join_apng, join_webp, read_apng, read_webp,
};
use clearcut_frame::{Frame, FrameFormat, FrameRate, Matrix, Rgb8, Size, Subsampling};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Webp,
    Apng,
}

pub(crate) const KINDS: [Kind; 2] = [Kind::Webp, Kind::Apng];

pub(crate) fn format(width: u32, height: u32, subsampling: Subsampling, matrix: Matrix) -> FrameFormat {
    FrameFormat { size: Size::new(width, height).unwrap(), subsampling, has_alpha: true, matrix }
}

pub(crate) fn settings(frame: FrameFormat, quality: u8) -> AnimationSettings {
    let frame_rate = FrameRate::new(25, 1).unwrap();
    AnimationSettings { frame, frame_rate, quality, threads: NonZeroUsize::new(2).unwrap(), first_frame: 0, plays: 0 }
}

/// A frame whose pixel at (x, y) is `paint(x, y)`: R'G'B' and alpha. 4:2:0 chroma is taken from the
/// top left pixel of each 2×2.
pub(crate) fn painted(format: FrameFormat, paint: impl Fn(usize, usize) -> ([u8; 3], u8)) -> Arc<Frame> {
    let mut frame = Frame::new(format);
    let (width, (half_width, _), shift) =
        (format.size.width() as usize, format.chroma_size(), format.subsampling.shift());
    let [luma, cb, cr, alphas] = frame.planes_mut();
    for index in 0..luma.len() {
        let (x, y) = (index % width, index / width);
        let ([r, g, b], alpha) = paint(x, y);
        let ycc = format.matrix.ycc8(Rgb8::new(r, g, b));
        (luma[index], alphas[index]) = (ycc.y, alpha);
        if (x | y) & ((1 << shift) - 1) == 0 {
            let chroma = (y >> shift) * half_width + (x >> shift);
            (cb[chroma], cr[chroma]) = (ycc.cb, ycc.cr);
        }
    }
    Arc::new(frame)
}

/// A clip of a shaded disc with a soft edge that moves right and then stops. Its middle is half
/// transparent. Transparent pixels have a color, too.
pub(crate) fn disc_clip(format: FrameFormat, length: usize) -> Vec<Arc<Frame>> {
    let (width, height) = (format.size.width() as f32, format.size.height() as f32);
    let radius = height / 4.0;
    let draw = |index: usize| {
        let center = (radius + 1.5 * index.min(length * 2 / 3) as f32, height / 2.0);
        painted(format, |x, y| {
            let from_center = (x as f32 - center.0).hypot(y as f32 - center.1);
            let edge = ((radius - from_center) / 2.0 + 0.5).clamp(0.0, 1.0);
            let alpha = if from_center < radius / 3.0 { 0.5 } else { edge };
            let shade = |span: f32, at: f32| (40.0 + 180.0 * at / span) as u8;
            ([shade(width, x as f32), shade(height, y as f32), 90], (alpha * 255.0).round() as u8)
        })
    };
    (0..length).map(draw).collect()
}

pub(crate) fn encode(kind: Kind, settings: &AnimationSettings, frames: &[Arc<Frame>]) -> (Vec<u8>, Summary) {
    let mut out = Cursor::new(Vec::new());
    let frames = frames.iter().map(Arc::clone);
    let summary = match kind {
        Kind::Webp => encode_webp(settings, frames, &mut out),
        Kind::Apng => encode_apng(settings, frames, &mut out),
    };
    let (file, summary) = (out.into_inner(), summary.unwrap());
    assert_eq!(file.len() as u64, summary.bytes);
    (file, summary)
}

/// Joins files of consecutive frames.
pub(crate) fn join(kind: Kind, canvas: Size, pieces: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let mut out = Cursor::new(Vec::new());
    let pieces = pieces.iter().map(|piece| Ok(&piece[..]));
    let bytes = match kind {
        Kind::Webp => join_webp(canvas, pieces, &mut out)?,
        Kind::Apng => join_apng(canvas, pieces, &mut out)?,
    };
    let file = out.into_inner();
    assert_eq!(file.len() as u64, bytes);
    Ok(file)
}

/// The patches of a file as they are stored.
pub(crate) fn stored(kind: Kind, file: &[u8]) -> Vec<Vec<u8>> {
    let mut stored = Vec::new();
    let push = |part: StoredPart| {
        if let StoredPart::Patch(bytes) | StoredPart::Pixels(bytes) = part {
            stored.push(bytes.to_vec());
        }
        Ok(())
    };
    let read = match kind {
        Kind::Webp => read_webp(file, push),
        Kind::Apng => read_apng(file, push),
    };
    read.unwrap();
    stored
}

/// A composed frame of a file and its end time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) pixels: Vec<[u8; 4]>,
    pub(crate) until_ms: u32,
}

pub(crate) fn decode(kind: Kind, file: &[u8]) -> Vec<Shown> {
    match kind {
        Kind::Webp => decode_webp(file),
        Kind::Apng => decode_apng(file),
    }
}

fn decode_webp(file: &[u8]) -> Vec<Shown> {
    let decoder = webp_animation::Decoder::new(file).unwrap();
    let shown = |frame: webp_animation::Frame| Shown {
        pixels: frame.data().as_chunks().0.to_vec(),
        until_ms: frame.timestamp() as u32,
    };
    decoder.into_iter().map(shown).collect()
}

fn decode_apng(file: &[u8]) -> Vec<Shown> {
    let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let frames = reader.info().animation_control().unwrap().num_frames;
    let (mut raw, mut canvas) = (vec![0; 4 * width * height], vec![[0; 4]; width * height]);
    let (mut shown, mut millis) = (Vec::new(), 0.0);
    for _ in 0..frames {
        reader.next_frame(&mut raw).unwrap();
        let control = *reader.info().frame_control().unwrap();
        assert_eq!(control.blend_op, png::BlendOp::Source);
        let rows = (control.y_offset as usize..).take(control.height as usize);
        let indices = rows
            .flat_map(|row| (control.x_offset as usize..).take(control.width as usize).map(move |x| row * width + x));
        let indices: Vec<usize> = indices.collect();
        for (&index, &pixel) in indices.iter().zip(raw.as_chunks().0) {
            canvas[index] = pixel;
        }
        millis += 1000.0 * f64::from(control.delay_num) / f64::from(control.delay_den);
        shown.push(Shown { pixels: canvas.clone(), until_ms: millis.round() as u32 });
        if control.dispose_op == png::DisposeOp::Background {
            for &index in &indices {
                canvas[index] = [0; 4];
            }
        }
    }
    shown
}

/// The composed frame on screen at the time of each clip frame, at 25 frames per second.
pub(crate) fn frames_on_screen(shown: &[Shown], length: usize) -> Vec<&Shown> {
    (0..length).map(|index| shown.iter().find(|shown| shown.until_ms > 40 * index as u32).unwrap()).collect()
}

/// The largest error of a color component over visible pixels, and of alpha over all pixels.
pub(crate) fn largest_error(expected: &Frame, actual: &[[u8; 4]]) -> (u8, u8) {
    let format = expected.format();
    let (width, (half_width, _), shift) =
        (format.size.width() as usize, format.chroma_size(), format.subsampling.shift());
    let (mut color_error, mut alpha_error) = (0, 0);
    for (index, &[r, g, b, alpha]) in actual.iter().enumerate() {
        let chroma = ((index / width) >> shift) * half_width + ((index % width) >> shift);
        let ycc = clearcut_frame::Ycc8 { y: expected.y()[index], cb: expected.cb()[chroma], cr: expected.cr()[chroma] };
        let rgb = format.matrix.rgb8(ycc);
        alpha_error = alpha_error.max(alpha.abs_diff(expected.alpha().unwrap()[index]));
        if alpha > 0 {
            color_error = color_error.max(r.abs_diff(rgb.r)).max(g.abs_diff(rgb.g)).max(b.abs_diff(rgb.b));
        }
    }
    (color_error, alpha_error)
}
