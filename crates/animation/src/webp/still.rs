//! One rectangle of a frame through libwebp, as the chunks that stand for it in a patch.
#![expect(
    unsafe_code,
    reason = "libwebp is C; the crates that wrap it cannot take Y'CbCr planes or say how alpha is coded"
)]

use std::{ffi::c_int, mem::MaybeUninit, slice, sync::Once};

use clearcut_frame::Frame;
use libwebp_sys::{WebPConfig, WebPConfigInit, WebPEncode, WebPPicture, WebPPictureInit, WebPValidateConfig};

use super::fill::{Plane, fill_unseen};
use crate::{Error, rect::Rect, rgba::Rgba};

/// `VP8_ENC_ERROR_INVALID_CONFIGURATION`, which is also what a library of another ABI is answered with.
const INVALID_CONFIGURATION: u32 = 4;

/// The pixels of one rectangle.
enum Pixels {
    /// Luma, and both chromas at half resolution.
    Planes { y: Vec<u8>, cb: Vec<u8>, cr: Vec<u8> },
    /// 0xAARRGGBB.
    Argb(Vec<u32>),
}

/// `rect` of a 4:2:0 BT.601 frame as VP8, its alpha losslessly before it. `rect` begins at even coordinates.
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
        calm_unseen(alpha, rect.width(), &mut y, [&mut cb, &mut cr]);
    }
    let config = config(|config| {
        config.quality = f32::from(quality);
        // Searches longest, for one to two per cent of the bytes.
        config.method = 6;
        config.segments = 1;
        config.sns_strength = 0;
        config.filter_strength = 60;
    })?;
    let mut chunks = alpha.map_or(Ok(Vec::new()), |alpha| alpha_chunk(&alpha, rect))?;
    chunks.extend(image_chunk(&encode(Pixels::Planes { y, cb, cr }, rect, &config)?));
    Ok(chunks)
}

/// Alpha as the green of a lossless frame without its header (RFC 9649 §2.7.1.2). libwebp would code it together with the colors, and then with as
/// much effort, of which alpha takes more time and no fewer bytes.
fn alpha_chunk(alpha: &[u8], rect: Rect) -> Result<Vec<u8>, Error> {
    let argb = alpha.iter().map(|&alpha| u32::from_be_bytes([255, 0, alpha, 0])).collect();
    let file = encode(Pixels::Argb(argb), rect, &lossless_config()?)?;
    // Neither filtered nor reduced, compressed.
    let mut chunk = b"ALPH\0\0\0\0\x01".to_vec();
    chunk.extend(image_chunk(&file).get(8 + VP8L_HEADER..).unwrap_or_default());
    let length = (chunk.len() - 8) as u32;
    chunk[4..8].copy_from_slice(&length.to_le_bytes());
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    Ok(chunk)
}

/// Bytes of a `VP8L` chunk before its image: a signature, then 14 bits of width, 14 of height, 1 of alpha, 3 of version.
const VP8L_HEADER: usize = 5;

/// The chunk with the image in a file of one frame: `VP8 ` or `VP8L`, padded.
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

/// Flattens what cannot be seen in the planes of a rectangle.
fn calm_unseen(alpha: &[u8], width: usize, y: &mut [u8], chroma: [&mut [u8]; 2]) {
    let is_seen: Vec<bool> = alpha.iter().map(|&alpha| alpha > 0).collect();
    fill_unseen(&mut Plane { samples: y, width, is_seen: &is_seen, block: 16 });
    let is_seen: Vec<bool> = is_seen.chunks(2 * width).flat_map(|rows| halved(rows, width)).collect();
    for samples in chroma {
        fill_unseen(&mut Plane { samples, width: width.div_ceil(2), is_seen: &is_seen, block: 8 });
    }
}

/// Whether anything is seen of each 2×2 of one or two rows.
fn halved(rows: &[bool], width: usize) -> impl Iterator<Item = bool> + '_ {
    (0..width)
        .step_by(2)
        .map(move |column| rows.chunks(width).any(|row| row[column..].iter().take(2).any(|&is_seen| is_seen)))
}

/// `rect` of `canvas` as VP8L.
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

/// libwebp chooses its code for this processor at the first use, without a lock as it is built here: that first use is made alone.
pub(super) fn warm_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(rect) = Rect::new(0, 0, 2, 2) else { return };
        let planes = Pixels::Planes { y: vec![16, 99, 99, 16], cb: vec![128], cr: vec![128] };
        for pixels in [planes, Pixels::Argb(vec![0, 0xFF00_00FF, 0x8000_FF00, 0])] {
            let is_lossless = i32::from(matches!(pixels, Pixels::Argb(_)));
            // A failure here is one there too, where it is told.
            let _ = config(|config| config.lossless = is_lossless).and_then(|config| encode(pixels, rect, &config));
        }
    });
}

fn config(set: impl FnOnce(&mut WebPConfig)) -> Result<WebPConfig, Error> {
    let refused = Error::Libwebp { code: INVALID_CONFIGURATION, width: 0, height: 0 };
    let mut config = MaybeUninit::<WebPConfig>::uninit();
    // SAFETY: the pointer is valid for a write of the whole struct, which a true result says has been made.
    let mut config = unsafe {
        if WebPConfigInit(config.as_mut_ptr()) == 0 {
            return Err(refused);
        }
        config.assume_init()
    };
    set(&mut config);
    // SAFETY: the pointer is to an initialised struct.
    if unsafe { WebPValidateConfig(&raw const config) } == 0 { Err(refused) } else { Ok(config) }
}

/// A whole WebP file of one frame.
fn encode(mut pixels: Pixels, rect: Rect, config: &WebPConfig) -> Result<Vec<u8>, Error> {
    let (width, height) = (rect.width() as u32, rect.height() as u32);
    let failed = |code: u32| Error::Libwebp { code, width, height };
    let mut frame = MaybeUninit::<WebPPicture>::uninit();
    // SAFETY: as in `config`.
    let mut frame = unsafe {
        if WebPPictureInit(frame.as_mut_ptr()) == 0 {
            return Err(failed(INVALID_CONFIGURATION));
        }
        frame.assume_init()
    };
    (frame.width, frame.height) = (width as i32, height as i32);
    pixels.lend_to(&mut frame);
    let mut file: Vec<u8> = Vec::new();
    frame.writer = Some(append);
    frame.custom_ptr = (&raw mut file).cast();
    // SAFETY: `frame` points to planes of its size that live and are not touched until the call is over (`pixels` is a local), and
    // so does the vector that `append` writes to. libwebp frees nothing that it did not allocate, and allocates nothing in `frame`
    // that outlives the call: `WebPEncode` converts between planes and ARGB only where the config asks for the other, which
    // `Pixels` rules out.
    let is_done = unsafe { WebPEncode(config, &raw mut frame) } != 0;
    if is_done { Ok(file) } else { Err(failed(frame.error_code)) }
}

impl Pixels {
    /// Points `frame`, whose size is set, at these pixels.
    fn lend_to(&mut self, frame: &mut WebPPicture) {
        let (width, height) = (frame.width as usize, frame.height as usize);
        match self {
            Self::Planes { y, cb, cr } => {
                let chroma_len = width.div_ceil(2) * height.div_ceil(2);
                assert!(y.len() == width * height && cb.len() == chroma_len && cr.len() == chroma_len);
                frame.use_argb = 0;
                (frame.y, frame.y_stride) = (y.as_mut_ptr(), frame.width);
                (frame.u, frame.v) = (cb.as_mut_ptr(), cr.as_mut_ptr());
                frame.uv_stride = width.div_ceil(2) as i32;
                // WEBP_YUV420.
                frame.colorspace = 0;
            }
            Self::Argb(argb) => {
                assert!(argb.len() == width * height);
                frame.use_argb = 1;
                (frame.argb, frame.argb_stride) = (argb.as_mut_ptr(), frame.width);
            }
        }
    }
}

/// Appends what libwebp has coded to the `Vec<u8>` that `custom_ptr` points to.
extern "C" fn append(data: *const u8, length: usize, frame: *const WebPPicture) -> c_int {
    if length > 0 {
        // SAFETY: libwebp hands over `length` initialised bytes and the frame of the running `encode`, whose `custom_ptr` is an
        // exclusive pointer to a live vector.
        unsafe {
            let file: &mut Vec<u8> = &mut *(*frame).custom_ptr.cast();
            file.extend_from_slice(slice::from_raw_parts(data, length));
        }
    }
    1
}
