//! The width and height of the outputs.

use clearcut_frame::Size;
use serde::{Deserialize, Serialize};

use crate::{LongestSide, RequestError, request::keyword_enum};

/// How frames fit into a width and a height.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// As large as fits into both, with their shape kept: one side may be smaller than asked.
    #[default]
    Contain,
    /// Exactly as asked: what lies outside of that shape is cropped on both sides alike.
    Cover,
    /// Exactly as asked: the whole frame, with transparent margins.
    Pad,
}

keyword_enum!(Fit, "fit", "contain, cover or pad", "contain" => Contain, "cover" => Cover, "pad" => Pad);

/// The width and height of the outputs, at least one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    width: Option<LongestSide>,
    height: Option<LongestSide>,
    fit: Fit,
}

impl Bounds {
    /// The bounds of fields that were given; `None` without any.
    ///
    /// # Errors
    /// `fit` was given, and not both sides: nothing is left to fit.
    pub fn new(
        width: Option<LongestSide>,
        height: Option<LongestSide>,
        fit: Option<Fit>,
    ) -> Result<Option<Self>, RequestError> {
        if let (Some(fit), true) = (fit, width.is_none() || height.is_none()) {
            let word = Fit::KEYWORDS[fit as usize];
            return Err(RequestError::new("fit", word, "contain, cover or pad, with both width and height"));
        }
        let is_given = width.is_some() || height.is_some();
        Ok(is_given.then_some(Self { width, height, fit: fit.unwrap_or_default() }))
    }

    /// The shape that frames are cropped to, as width and height.
    #[must_use]
    pub fn shape(self) -> Option<(u32, u32)> {
        let sides = self.width.zip(self.height).filter(|_| self.fit == Fit::Cover);
        sides.map(|(width, height)| (u32::from(width.get()), u32::from(height.get())))
    }

    /// The sides that were given.
    pub(crate) const fn sides(self) -> (Option<LongestSide>, Option<LongestSide>) {
        (self.width, self.height)
    }

    /// The size of the outputs of frames that were scaled to [`Self::size_of`] and get margins; `None`
    /// without margins.
    #[must_use]
    pub fn padded(self) -> Option<Size> {
        let (width, height) = self.width.zip(self.height).filter(|_| self.fit == Fit::Pad)?;
        Size::new(u32::from(width.get()), u32::from(height.get()))
    }

    /// The size of frames of `size`, which were cropped to [`Self::shape`].
    #[must_use]
    pub fn size_of(self, size: Size) -> Size {
        let side = |side: Option<LongestSide>| side.map(|side| u64::from(side.get()));
        let (w, h) = (u64::from(size.width()), u64::from(size.height()));
        let scaled = |length: u64, to: u64, from: u64| ((length * to + from / 2) / from).max(1);
        let (width, height) = match (side(self.width), side(self.height)) {
            (Some(width), Some(height)) if self.fit == Fit::Cover => (width, height),
            // The one that leaves the other within its bound.
            (Some(width), Some(height)) if width * h <= height * w => (width, scaled(h, width, w)),
            (Some(width), None) => (width, scaled(h, width, w)),
            (_, Some(height)) => (scaled(w, height, h), height),
            (None, None) => (w, h),
        };
        let number = |side: u64| u32::try_from(side).unwrap_or(u32::MAX);
        Size::new(number(width), number(height)).unwrap_or(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(width: u16, height: u16, fit: Option<Fit>) -> Bounds {
        let side = |side: u16| (side > 0).then(|| side.try_into().unwrap());
        Bounds::new(side(width), side(height), fit).unwrap().unwrap()
    }

    #[test]
    fn frames_fit_into_what_was_asked() {
        let wide = Size::new(1920, 1080).unwrap();
        let size = |width, height, fit| bounds(width, height, fit).size_of(wide).to_string();
        assert_eq!((size(640, 0, None), size(0, 360, None)), ("640×360".to_owned(), "640×360".to_owned()));
        assert_eq!((size(640, 640, None), size(2048, 360, None)), ("640×360".to_owned(), "640×360".to_owned()));
        assert_eq!(size(300, 301, Some(Fit::Cover)), "300×301");
        assert_eq!(bounds(300, 200, Some(Fit::Cover)).shape(), Some((300, 200)));
        assert_eq!(bounds(300, 200, Some(Fit::Contain)).shape(), None);
        assert_eq!(size(300, 300, Some(Fit::Pad)), "300×169");
        assert_eq!(bounds(300, 300, Some(Fit::Pad)).padded(), Size::new(300, 300));
        assert_eq!(bounds(300, 300, Some(Fit::Cover)).padded(), None);
        assert_eq!(bounds(640, 0, None).size_of(Size::new(5000, 1).unwrap()).height(), 1);
    }

    #[test]
    fn a_fit_needs_both_sides() {
        let side = Some(LongestSide::try_from(64).unwrap());
        assert_eq!(Bounds::new(None, None, None), Ok(None));
        for (width, height) in [(None, None), (side, None), (None, side)] {
            assert_eq!(Bounds::new(width, height, Some(Fit::Cover)).unwrap_err().field(), "fit");
        }
    }
}
