//! Scaling with the Lanczos filter, on colors multiplied by alpha.

use clearcut_frame::Size;
use clearcut_job::ImageFailure;
use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};

use crate::pixels::Pixels;

/// Stretches all of `source` to `size`.
pub(crate) fn stretch(source: &Pixels, size: Size) -> Result<Pixels, ImageFailure> {
    let whole = (f64::from(source.size.width()), f64::from(source.size.height()));
    resize(source, (0.0, 0.0), whole, size)
}

/// Scales the rectangle of `source` that begins at `corner` (left, top) and is `extent` (width,
/// height) large, in pixels, to `size`.
pub(crate) fn resize(
    source: &Pixels,
    corner: (f64, f64),
    extent: (f64, f64),
    size: Size,
) -> Result<Pixels, ImageFailure> {
    let whole = (f64::from(source.size.width()), f64::from(source.size.height()));
    if size == source.size && extent == whole {
        return Ok(source.clone());
    }
    let image = ImageRef::new(source.size.width(), source.size.height(), &source.rgba, PixelType::U8x4)
        .map_err(|_| ImageFailure::Damaged)?;
    let mut scaled = Image::new(size.width(), size.height(), PixelType::U8x4);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(corner.0, corner.1, extent.0, extent.1)
        .use_alpha(!source.are_opaque());
    Resizer::new().resize(&image, &mut scaled, &options).map_err(|_| ImageFailure::TooMuchMemory)?;
    Ok(Pixels { size, rgba: scaled.into_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_color_of_invisible_pixels_does_not_bleed() {
        let size = Size::new(40, 40).unwrap();
        let pixel = |index: usize| if index % 40 < 20 { [200, 10, 10, 255] } else { [0, 255, 0, 0] };
        let source = Pixels { size, rgba: (0..1600).flat_map(pixel).collect() };
        let scaled = stretch(&source, Size::new(13, 13).unwrap()).unwrap();
        for pixel in scaled.rgba.as_chunks::<4>().0.iter().filter(|pixel| pixel[3] > 20) {
            assert!(pixel[1] < 40 && pixel[0] > 180, "{pixel:?}");
        }
    }
}
