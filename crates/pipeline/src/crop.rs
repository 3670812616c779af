//! The part of the frame that is cut.

use clearcut_frame::Size;
use clearcut_job::{CropRect, CutRequest};

use crate::Error;

/// The rectangle that `request` cuts out of frames of `size`; `None` for all of them.
///
/// # Errors
/// [`Error::CropOutside`], or [`Error::HintOutsideCrop`] for a hint that lies outside of it.
pub(crate) fn crop_of(request: &CutRequest, size: Size) -> Result<Option<CropRect>, Error> {
    let Some(crop) = request.crop else { return Ok(None) };
    let rect = crop.within(size).ok_or(Error::CropOutside { crop, size })?;
    match request.hints.iter().position(|hint| rect.area_of(hint.area, size).is_none()) {
        Some(index) => Err(Error::HintOutsideCrop { number: index + 1, rect }),
        None => Ok(Some(rect)),
    }
}
