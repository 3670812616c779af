//! The part of the frame that is cut.

use clearcut_frame::Size;
use clearcut_job::{Crop, CropRect, CutRequest};

use crate::Error;

/// The rectangle that `request` cuts out of frames of `size`; `None` for all of them, and for the subject, whose
/// rectangle [`crate::scan`] finds.
///
/// # Errors
/// [`Error::CropOutside`], or [`Error::HintOutsideCrop`] for a hint that lies outside of it.
pub(crate) fn crop_of(request: &CutRequest, size: Size) -> Result<Option<CropRect>, Error> {
    let cropped = match request.crop {
        Some(Crop::Subject(_)) => return Ok(None),
        Some(crop) => Some(crop.within(size).ok_or(Error::CropOutside { crop, size })?),
        None => None,
    };
    let Some(rect) = covering(request, cropped, size).or(cropped) else { return Ok(None) };
    match request.hints.iter().position(|hint| rect.area_of(hint.area, size).is_none()) {
        Some(index) => Err(Error::HintOutsideCrop { number: index + 1, rect }),
        None => Ok(Some(rect)),
    }
}

/// The part of `cropped`, or of the whole frame, that covers the width and height of the output.
fn covering(request: &CutRequest, cropped: Option<CropRect>, size: Size) -> Option<CropRect> {
    let shape = request.bounds?.shape()?;
    let inner = CropRect::of_shape(shape, cropped.map_or(size, |rect| rect.size))?;
    Some(cropped.map_or(inner, |rect| rect.around(inner)))
}
