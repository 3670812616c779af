//! From the network's resolution to the picture's own.

use clearcut_frame::Picture;

use super::{mask::Mask, shrink::stretched};

/// `picture` with alpha from `mask`; clear where there is none.
pub(crate) fn cut(picture: Picture, mask: Option<&Mask>) -> Picture {
    let format = picture.format().with_alpha();
    let mut bytes = picture.into_bytes();
    bytes.resize(format.byte_len(), 0);
    let mut out = Picture::from_bytes(format, bytes).unwrap_or_else(|| Picture::new(format));
    let Some(mask) = mask else { return out };
    let size = [format.size.width() as usize, format.size.height() as usize];
    let alpha = stretched(&mask.values, [mask.width, mask.height], size);
    for (out, alpha) in out.planes_mut()[3].iter_mut().zip(alpha) {
        *out = (((alpha - 0.2) / 0.6).clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    }
    out
}
