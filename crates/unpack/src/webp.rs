//! Animated WebP, read by libwebp.

use std::io::Write;

use clearcut_job::UnpackFailure;
use webp_animation::{Decoder, Error};

use crate::{Limits, apng::Apng};

/// A duration in milliseconds up to which browsers show a frame for [`SHOWN_MILLIS`].
const SHORTEST_MILLIS: u32 = 10;
const SHOWN_MILLIS: u32 = 100;

/// Unpacks an animated WebP to an animated PNG. Every frame is kept with its duration as browsers
/// show it; the number of loops is dropped, because a clip plays once.
pub(crate) fn unpack(bytes: &[u8], limits: &Limits, out: impl Write) -> Result<(), UnpackFailure> {
    let (width, height) = canvas_size(bytes).ok_or(UnpackFailure::Damaged)?;
    let durations = durations(bytes);
    let frames = u32::try_from(durations.len()).unwrap_or(u32::MAX);
    limits.check((width, height), frames)?;
    let decoder = Decoder::new(bytes).map_err(|error| match error {
        Error::TooLargeCanvas(..) => UnpackFailure::TooManyPixels,
        _ => UnpackFailure::Damaged,
    })?;
    if decoder.dimensions() != (width, height) || frames == 0 {
        return Err(UnpackFailure::Damaged);
    }
    let mut animation = Apng::begin(out, (width, height), frames, limits.max_bytes)?;
    let mut decoded = decoder.into_iter();
    for duration in durations {
        // libwebp ends the list at a frame that it cannot decode.
        let frame = decoded.next().ok_or(UnpackFailure::Damaged)?;
        let millis = if duration <= SHORTEST_MILLIS { SHOWN_MILLIS } else { duration };
        animation.add(frame.data(), millis)?;
    }
    animation.finish()
}

/// Bytes of the headers of the file and of a chunk.
const FILE_HEADER: usize = 12;
const CHUNK_HEADER: usize = 8;

/// Width and height in the `VP8X` chunk, which comes first.
fn canvas_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let content = bytes.get(FILE_HEADER..).filter(|rest| rest.starts_with(b"VP8X"))?.get(CHUNK_HEADER..)?;
    Some((number(content, 4)? + 1, number(content, 7)? + 1))
}

/// The durations of all frames in milliseconds: the fifth number of each `ANMF` chunk.
fn durations(bytes: &[u8]) -> Vec<u32> {
    let mut durations = Vec::new();
    let mut rest = bytes.get(FILE_HEADER..).unwrap_or_default();
    while let Some((header, content)) = rest.split_at_checked(CHUNK_HEADER) {
        if header.starts_with(b"ANMF")
            && let Some(duration) = number(content, 12)
        {
            durations.push(duration);
        }
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        rest = content.get(length.next_multiple_of(2)..).unwrap_or_default();
    }
    durations
}

/// The number of 24 bits at an offset.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = *bytes.get(at..)?.first_chunk::<3>()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use clearcut_job::Container;
    use webp_animation::Encoder;

    use super::*;
    use crate::unpack as unpack_any;

    const LIMITS: Limits = Limits { max_pixels: 10_000, max_frames: 100, max_work: 1_000_000, max_bytes: 1 << 20 };

    /// A square of half-clear red that moves over a clear canvas, with these durations.
    fn animation(durations: &[i32]) -> Vec<u8> {
        let mut encoder = Encoder::new((40, 30)).unwrap();
        let mut until = 0;
        for (frame, duration) in durations.iter().enumerate() {
            encoder.add_frame(&canvas(frame), until).unwrap();
            until += duration;
        }
        encoder.finalize(until).unwrap().to_vec()
    }

    fn canvas(frame: usize) -> Vec<u8> {
        let pixel = |x: usize, y: usize| {
            let is_square = (5 * frame..5 * frame + 10).contains(&x) && (8..18).contains(&y);
            if is_square { [255, 0, 0, 128] } else { [0; 4] }
        };
        (0..30).flat_map(|y| (0..40).flat_map(move |x| pixel(x, y))).collect()
    }

    /// The canvases and durations of an animated PNG, composed as a viewer does.
    fn shown(apng: &[u8]) -> Vec<(Vec<u8>, u16, u16)> {
        let mut reader = png::Decoder::new(Cursor::new(apng)).read_info().unwrap();
        let frames = reader.info().animation_control().unwrap().num_frames;
        let (mut canvas, mut pixels) = (vec![0; 40 * 30 * 4], vec![0; reader.output_buffer_size().unwrap()]);
        let mut shown = Vec::new();
        for _ in 0..frames {
            reader.next_frame(&mut pixels).unwrap();
            let control = *reader.info().frame_control().unwrap();
            let row_len = 4 * control.width as usize;
            for row in 0..control.height as usize {
                let at = ((row + control.y_offset as usize) * 40 + control.x_offset as usize) * 4;
                canvas[at..at + row_len].copy_from_slice(&pixels[row * row_len..(row + 1) * row_len]);
            }
            shown.push((canvas.clone(), control.delay_num, control.delay_den));
        }
        shown
    }

    #[test]
    fn every_frame_is_kept_with_its_alpha_and_its_duration() {
        let packed = animation(&[40, 500, 5, 70_000]);
        assert_eq!(Container::sniff(&packed), Ok(Container::Webp));
        let mut unpacked = Vec::new();
        unpack_any(Cursor::new(packed), &LIMITS, &mut unpacked).unwrap();
        assert_eq!(Container::sniff(&unpacked), Ok(Container::Apng));
        let shown = shown(&unpacked);
        assert_eq!(
            shown.iter().map(|(_, num, den)| (*num, *den)).collect::<Vec<_>>(),
            [(40, 1000), (500, 1000), (100, 1000), (7000, 100)]
        );
        for (frame, (found, ..)) in shown.iter().enumerate() {
            for (found, expected) in found.chunks_exact(4).zip(canvas(frame).chunks_exact(4)) {
                assert_eq!(found[3], expected[3], "alpha of frame {frame}");
            }
        }
    }

    #[test]
    fn what_exceeds_a_limit_or_is_damaged_is_refused_by_its_reason() {
        let packed = animation(&[40, 40, 40]);
        let refusal =
            |bytes: &[u8], limits: Limits| unpack_any(Cursor::new(bytes), &limits, &mut Vec::new()).unwrap_err();
        assert_eq!(refusal(&packed, Limits { max_pixels: 1199, ..LIMITS }), UnpackFailure::TooManyPixels);
        assert_eq!(refusal(&packed, Limits { max_frames: 2, ..LIMITS }), UnpackFailure::TooManyFrames);
        assert_eq!(refusal(&packed, Limits { max_work: 3599, ..LIMITS }), UnpackFailure::TooMuchWork);
        assert_eq!(refusal(&packed, Limits { max_bytes: 100, ..LIMITS }), UnpackFailure::TooManyBytes);
        for length in [0, 11, 20, 29, 60, packed.len() / 2, packed.len() - 1] {
            assert_eq!(refusal(&packed[..length], LIMITS), UnpackFailure::Damaged, "{length}");
        }
        let mut broken = packed.clone();
        let last = broken.windows(4).rposition(|window| window == b"ANMF").unwrap();
        broken[last + 32..].fill(0xFF);
        assert_eq!(refusal(&broken, LIMITS), UnpackFailure::Damaged);
    }
}
