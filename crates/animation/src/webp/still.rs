//! Compression of one rectangle with libwebp into the image chunks of a patch.
#![expect(
    unsafe_code,
    reason = "libwebp is C; the crates that wrap it neither accept Y'CbCr planes nor control how alpha is coded"
)]

use std::{ffi::c_int, mem::MaybeUninit, slice, sync::Once};

use clearcut_frame::Frame;
use libwebp_sys::{WebPConfig, WebPConfigInit, WebPEncode, WebPPicture, WebPPictureInit, WebPValidateConfig};

use super::fill::{Plane, fill_invisible};
use crate::{Error, rect::Rect, rgba::Rgba};

/// `VP8_ENC_ERROR_INVALID_CONFIGURATION`, also used for a library with another ABI.
const INVALID_CONFIGURATION: u32 = 4;

/// The pixels of one rectangle.
enum Pixels {
    /// Luma, and both chroma planes at half resolution.
    Planes { y: Vec<u8>, cb: Vec<u8>, cr: Vec<u8> },
    /// Pixels as 0xAARRGGBB.
    Argb(Vec<u32>),
}

/// Compresses `rect` of a 4:2:0 BT.601 frame as VP8, with lossless alpha in front. `rect` starts at
/// even coordinates.
pub(super) fn lossy(frame: &Frame, rect: Rect, quality: u8) -> Result<Vec<u8>, Error> {
    let width = frame.size().width() as usize;
    let (half_width, _) = frame.format().chroma_size();
    let half =
        Rect { left: rect.left / 2, top: rect.top / 2, right: rect.right.div_ceil(2), bottom: rect.bottom.div_ceil(2) };
    let alpha = frame.alpha().map(|alpha| cropped(alpha, width, rect));
    let alpha = alpha.filter(|alpha| alpha.iter().any(|&alpha| alpha < 255));
    let mut y = cropped(frame.y(), width, rect);
    let [mut cb, mut cr] = [frame.cb(), frame.cr()].map(|plane| cropped(plane, half_width, half));
    if let Some(alpha) = &alpha {
        fill_invisible_samples(alpha, rect.width(), &mut y, [&mut cb, &mut cr]);
    }
    let config = config(|config| {
        config.quality = f32::from(quality);
        // The slowest search, which saves one to two percent of the bytes.
        config.method = 6;
        config.segments = 1;
        config.sns_strength = 0;
        config.filter_strength = 60;
    })?;
    let mut chunks = alpha.map_or(Ok(Vec::new()), |alpha| alpha_chunk(&alpha, rect))?;
    chunks.extend(image_chunk(&encode(Pixels::Planes { y, cb, cr }, rect, &config)?));
    Ok(chunks)
}

/// The `ALPH` chunk: alpha as the green channel of a lossless image without its header (RFC 9649
/// §2.7.1.2).
///
/// libwebp could code alpha together with the colors, but then with the same effort, which takes
/// more time and saves no bytes.
fn alpha_chunk(alpha: &[u8], rect: Rect) -> Result<Vec<u8>, Error> {
    let argb = alpha.iter().map(|&alpha| u32::from_be_bytes([255, 0, alpha, 0])).collect();
    let file = encode(Pixels::Argb(argb), rect, &lossless_config()?)?;
    // No filter, no level reduction, compressed.
    let mut chunk = b"ALPH\0\0\0\0\x01".to_vec();
    chunk.extend(image_chunk(&file).get(8 + VP8L_HEADER..).unwrap_or_default());
    let length = (chunk.len() - 8) as u32;
    chunk[4..8].copy_from_slice(&length.to_le_bytes());
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    Ok(chunk)
}

/// Length of the header in a `VP8L` chunk: a signature, then 14 bits of width, 14 of height, 1 of
/// alpha, 3 of version.
const VP8L_HEADER: usize = 5;

/// The padded image chunk (`VP8 ` or `VP8L`) of a WebP file with one image.
fn image_chunk(file: &[u8]) -> &[u8] {
    let mut rest = file.get(12..).unwrap_or_default();
    while let Some(&[a, b, c, d]) = rest.get(4..8) {
        let length = 8 + (u32::from_le_bytes([a, b, c, d]) as usize).next_multiple_of(2);
        let (chunk, after) = rest.split_at(length.min(rest.len()));
        if matches!(&chunk[..4], b"VP8 " | b"VP8L") {
            return chunk;
        }
        rest = after;
    }
    &[]
}

/// Replaces invisible samples in the planes of a rectangle by values that are cheap to code.
fn fill_invisible_samples(alpha: &[u8], width: usize, y: &mut [u8], chroma: [&mut [u8]; 2]) {
    let is_visible: Vec<bool> = alpha.iter().map(|&alpha| alpha > 0).collect();
    fill_invisible(&mut Plane { samples: y, width, is_visible: &is_visible, block: 16 });
    let is_visible: Vec<bool> = is_visible.chunks(2 * width).flat_map(|rows| block_visibility(rows, width)).collect();
    for samples in chroma {
        fill_invisible(&mut Plane { samples, width: width.div_ceil(2), is_visible: &is_visible, block: 8 });
    }
}

/// Whether any sample of each 2×2 block in one or two rows is visible.
fn block_visibility(rows: &[bool], width: usize) -> impl Iterator<Item = bool> + '_ {
    (0..width)
        .step_by(2)
        .map(move |column| rows.chunks(width).any(|row| row[column..].iter().take(2).any(|&is_visible| is_visible)))
}

/// Compresses `rect` of `canvas` as VP8L.
pub(super) fn lossless(canvas: &Rgba, rect: Rect) -> Result<Vec<u8>, Error> {
    let rows = (rect.top..rect.bottom).flat_map(|row| canvas.row_of(rect, row));
    let argb = rows.map(|&[r, g, b, a]| u32::from_be_bytes([a, r, g, b])).collect();
    Ok(image_chunk(&encode(Pixels::Argb(argb), rect, &lossless_config()?)?).to_vec())
}

fn lossless_config() -> Result<WebPConfig, Error> {
    config(|config| {
        config.lossless = 1;
        config.quality = 50.0;
        config.method = 2;
    })
}

fn cropped(plane: &[u8], width: usize, rect: Rect) -> Vec<u8> {
    let mut part = Vec::with_capacity(rect.area());
    for row in plane.chunks_exact(width).skip(rect.top).take(rect.height()) {
        part.extend_from_slice(&row[rect.left..rect.right]);
    }
    part
}

/// Uses libwebp once on one thread. libwebp selects its code for the processor at first use, and as
/// built here without a lock.
pub(super) fn warm_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(rect) = Rect::new(0, 0, 2, 2) else { return };
        let planes = Pixels::Planes { y: vec![16, 99, 99, 16], cb: vec![128], cr: vec![128] };
        for pixels in [planes, Pixels::Argb(vec![0, 0xFF00_00FF, 0x8000_FF00, 0])] {
            let is_lossless = i32::from(matches!(pixels, Pixels::Argb(_)));
            // A failure here recurs in the actual encoding, which reports it.
            let _ = config(|config| config.lossless = is_lossless).and_then(|config| encode(pixels, rect, &config));
        }
    });
}

fn config(set: impl FnOnce(&mut WebPConfig)) -> Result<WebPConfig, Error> {
    let rejected = Error::Libwebp { code: INVALID_CONFIGURATION, width: 0, height: 0 };
    let mut config = MaybeUninit::<WebPConfig>::uninit();
    // SAFETY: the pointer is valid for a write of the whole struct, and a true result means that it
    // was written.
    let mut config = unsafe {
        if WebPConfigInit(config.as_mut_ptr()) == 0 {
            return Err(rejected);
        }
        config.assume_init()
    };
    set(&mut config);
    // SAFETY: the pointer is to an initialized struct.
    if unsafe { WebPValidateConfig(&raw const config) } == 0 { Err(rejected) } else { Ok(config) }
}

/// Encodes `pixels` to a complete WebP file with one image.
fn encode(mut pixels: Pixels, rect: Rect, config: &WebPConfig) -> Result<Vec<u8>, Error> {
    let (width, height) = (rect.width() as u32, rect.height() as u32);
    let failed = |code: u32| Error::Libwebp { code, width, height };
    let mut image = MaybeUninit::<WebPPicture>::uninit();
    // SAFETY: as in `config`.
    let mut image = unsafe {
        if WebPPictureInit(image.as_mut_ptr()) == 0 {
            return Err(failed(INVALID_CONFIGURATION));
        }
        image.assume_init()
    };
    (image.width, image.height) = (width as i32, height as i32);
    pixels.attach_to(&mut image);
    let mut file: Vec<u8> = Vec::new();
    image.writer = Some(append);
    image.custom_ptr = (&raw mut file).cast();
    // SAFETY: `image` points to planes of its size that live and are not accessed until the call
    // returns (`pixels` is a local). The same holds for the vector that `append` writes to. libwebp
    // frees nothing that it did not allocate, and allocates nothing in `image` that outlives the
    // call: `WebPEncode` converts between planes and ARGB only if the config requires the other
    // representation, which `Pixels` rules out.
    let is_done = unsafe { WebPEncode(config, &raw mut image) } != 0;
    if is_done { Ok(file) } else { Err(failed(image.error_code)) }
}

impl Pixels {
    /// Points `image` at these pixels. Its size must be set.
    fn attach_to(&mut self, image: &mut WebPPicture) {
        let (width, height) = (image.width as usize, image.height as usize);
        match self {
            Self::Planes { y, cb, cr } => {
                let chroma_len = width.div_ceil(2) * height.div_ceil(2);
                assert!(y.len() == width * height && cb.len() == chroma_len && cr.len() == chroma_len);
                image.use_argb = 0;
                (image.y, image.y_stride) = (y.as_mut_ptr(), image.width);
                (image.u, image.v) = (cb.as_mut_ptr(), cr.as_mut_ptr());
                image.uv_stride = width.div_ceil(2) as i32;
                // WEBP_YUV420.
                image.colorspace = 0;
            }
            Self::Argb(argb) => {
                assert!(argb.len() == width * height);
                image.use_argb = 1;
                (image.argb, image.argb_stride) = (argb.as_mut_ptr(), image.width);
            }
        }
    }
}

/// Writer callback for libwebp: appends encoded bytes to the `Vec<u8>` that `custom_ptr` points to.
extern "C" fn append(data: *const u8, length: usize, image: *const WebPPicture) -> c_int {
    if length > 0 {
        // SAFETY: libwebp passes `length` initialized bytes and the `WebPPicture` of the running
        // `encode`, whose `custom_ptr` is an exclusive pointer to a live vector.
        unsafe {
            let file: &mut Vec<u8> = &mut *(*image).custom_ptr.cast();
            file.extend_from_slice(slice::from_raw_parts(data, length));
        }
    }
    1
}
