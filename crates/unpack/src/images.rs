//! Image sequences in ZIP archives, read by the `zip` and `image` crates. Nothing of an archive gets
//! onto the disk under a name.

use std::io::{Cursor, Read, Seek, Write};

use clearcut_job::UnpackFailure;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, RgbaImage};
use zip::{ZipArchive, result::ZipError};

use crate::{Limits, apng::Apng, names};

/// Duration of an image: 25 images a second.
const MILLIS: u32 = 40;

/// Size limit of one image file.
const MAX_IMAGE_BYTES: u64 = 1 << 30;

/// Memory that the decoder of one image may use, in bytes.
const MAX_DECODER_BYTES: u64 = 1 << 30;

/// Unpacks a ZIP archive of numbered images to an animated PNG.
pub(crate) fn unpack(archive: impl Read + Seek, limits: &Limits, out: impl Write) -> Result<(), UnpackFailure> {
    let mut archive = ZipArchive::new(archive).map_err(|error| failure(&error))?;
    let names = names_in(&mut archive)?;
    let order = names::in_order(names.iter().map(String::as_str))?;
    let frames = u32::try_from(order.len()).unwrap_or(u32::MAX);
    if u64::from(frames) > limits.max_frames {
        return Err(UnpackFailure::TooManyFrames);
    }
    // An archive can hold one large file under many names.
    let mut left = limits.max_bytes;
    let mut images = order.into_iter().map(|place| read_image(&mut archive, place, limits, &mut left));
    let first = images.next().ok_or(UnpackFailure::NoImages)??;
    let size = first.dimensions();
    limits.check(size, frames)?;
    let mut animation = Apng::begin(out, size, frames, limits.max_bytes)?;
    animation.add(first.as_raw(), MILLIS)?;
    for image in images {
        let image = image?;
        if image.dimensions() != size {
            return Err(UnpackFailure::MixedSizes);
        }
        animation.add(image.as_raw(), MILLIS)?;
    }
    animation.finish()
}

/// The names of all entries. Those of folders end with a slash.
fn names_in<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<Vec<String>, UnpackFailure> {
    (0..archive.len())
        .map(|place| {
            let entry = archive.by_index_raw(place).map_err(|error| failure(&error))?;
            if entry.encrypted() {
                return Err(UnpackFailure::Encrypted);
            }
            Ok(entry.name().map_err(|error| failure(&error))?.into_owned())
        })
        .collect()
}

/// One image, upright, as straight RGBA. Its bytes are taken from those that are `left` to read.
fn read_image<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    place: usize,
    limits: &Limits,
    left: &mut u64,
) -> Result<RgbaImage, UnpackFailure> {
    let entry = archive.by_index(place).map_err(|error| failure(&error))?;
    let mut bytes = Vec::new();
    // The size in the archive is a claim; what is read is bounded.
    entry.take(MAX_IMAGE_BYTES + 1).read_to_end(&mut bytes).map_err(|_| UnpackFailure::Damaged)?;
    let read = bytes.len() as u64;
    *left = left.checked_sub(read).filter(|_| read <= MAX_IMAGE_BYTES).ok_or(UnpackFailure::TooManyBytes)?;
    decode(&bytes, limits)
}

fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbaImage, UnpackFailure> {
    let failure = |error: ImageError| match error {
        ImageError::Limits(_) => UnpackFailure::TooManyPixels,
        _ => UnpackFailure::Damaged,
    };
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| UnpackFailure::Damaged)?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) {
        return Err(UnpackFailure::Damaged);
    }
    let mut decoder_limits = image::Limits::default();
    decoder_limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(decoder_limits);
    let mut decoder = reader.into_decoder().map_err(failure)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(UnpackFailure::TooManyPixels);
    }
    let orientation = decoder.orientation().map_err(failure)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(failure)?;
    image.apply_orientation(orientation);
    Ok(image.into_rgba8())
}

pub(crate) fn failure(error: &ZipError) -> UnpackFailure {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            UnpackFailure::Encrypted
        }
        _ => UnpackFailure::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use clearcut_job::Container;
    use image::{Rgba, codecs::jpeg::JpegEncoder};
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;
    use crate::unpack as unpack_any;

    const LIMITS: Limits = Limits { max_pixels: 10_000, max_frames: 100, max_work: 1_000_000, max_bytes: 1 << 20 };

    fn image(size: u32, level: u8) -> RgbaImage {
        RgbaImage::from_pixel(size, size, Rgba([level, 10, 20, 128]))
    }

    fn png(size: u32, level: u8) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image(size, level).write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn jpeg(size: u32, level: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        DynamicImage::from(image(size, level)).to_rgb8().write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    fn archive(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn unpacked(archive: &[u8]) -> Result<Vec<u8>, UnpackFailure> {
        let mut out = Vec::new();
        unpack_any(Cursor::new(archive), &LIMITS, &mut out).map(|()| out)
    }

    fn first_pixel(apng: &[u8]) -> (u32, [u8; 4]) {
        let mut reader = png::Decoder::new(Cursor::new(apng)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        (reader.info().animation_control().unwrap().num_frames, pixels[..4].try_into().unwrap())
    }

    #[test]
    fn images_become_frames_in_the_order_of_their_numbers() {
        let files = [("a/f10.png", png(20, 210)), ("a/f9.png", png(20, 209)), ("a/notes.txt", b"x".to_vec())];
        let packed = archive(&files);
        assert_eq!(Container::sniff(&packed), Ok(Container::Zip));
        let clip = unpacked(&packed).unwrap();
        assert_eq!(Container::sniff(&clip), Ok(Container::Apng));
        assert_eq!(first_pixel(&clip), (2, [209, 10, 20, 128]));
        let (frames, [red, .., alpha]) =
            first_pixel(&unpacked(&archive(&[("1.jpg", jpeg(16, 200)), ("2.JPG", jpeg(16, 90))])).unwrap());
        assert!(frames == 2 && red.abs_diff(200) < 6 && alpha == 255);
    }

    #[test]
    fn what_is_no_sequence_is_refused_by_its_reason() {
        let mixed = archive(&[("1.png", png(20, 1)), ("2.png", png(21, 1))]);
        assert_eq!(unpacked(&mixed), Err(UnpackFailure::MixedSizes));
        let large = archive(&[("1.png", png(101, 1)), ("2.png", png(101, 1))]);
        assert_eq!(unpacked(&large), Err(UnpackFailure::TooManyPixels));
        let small = archive(&[("1.png", png(20, 1)), ("2.png", png(20, 1))]);
        let refusal = |limits: Limits| unpack_any(Cursor::new(&small), &limits, &mut Vec::new()).unwrap_err();
        assert_eq!(refusal(Limits { max_work: 799, ..LIMITS }), UnpackFailure::TooMuchWork);
        let bytes = png(20, 1).len() as u64;
        assert_eq!(refusal(Limits { max_bytes: 2 * bytes - 1, ..LIMITS }), UnpackFailure::TooManyBytes);
        let other = archive(&[("1.png", b"<svg>".to_vec()), ("2.png", png(20, 1))]);
        assert_eq!(unpacked(&other), Err(UnpackFailure::Damaged));
        let whole = archive(&[("1.png", png(20, 1)), ("2.png", png(20, 1))]);
        assert_eq!(unpacked(&whole[..whole.len() - 30]), Err(UnpackFailure::Damaged));
        // The first bit of the flags, in the local and in the central header.
        let mut encrypted = whole;
        for signature in [b"PK\x03\x04", b"PK\x01\x02"] {
            let flags = if signature[2] == 3 { 6 } else { 8 };
            let at = encrypted.windows(4).position(|window| window == signature).unwrap();
            encrypted[at + flags] |= 1;
        }
        assert_eq!(unpacked(&encrypted), Err(UnpackFailure::Encrypted));
    }
}
