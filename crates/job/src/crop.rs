//! The part of the frame that is cut.

use std::{fmt, ops::Range, str::FromStr};

use clearcut_frame::{Area, Size};
use serde::{Deserialize, Serialize};

use crate::RequestError;

/// The part of the frame that is cut. Everything outside of it is as if it were not in the clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Crop {
    /// A rectangle.
    Rect(CropRect),
    /// The largest rectangle of this shape around the middle of the frame: width and height, each
    /// 1–1000.
    Shape(u32, u32),
    /// The box of the subject over all frames of the part of the clip that is cut, with a margin. With a
    /// shape, the smallest rectangle of that shape around it. A scan of the clip finds it.
    Subject(Option<(u32, u32)>),
}

/// A rectangle in a frame, in pixels of the clip as it is shown. All four are even, so that the
/// rectangle holds whole samples of color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CropRect {
    /// Distance from the left side.
    pub x: u32,
    /// Distance from the top side.
    pub y: u32,
    /// Width and height.
    pub size: Size,
}

/// Description of a valid part.
const ALLOWED: &str = "X,Y,WIDTH,HEIGHT in even pixels of the clip, a shape WIDTH:HEIGHT with each from 1 to 1000, \
                       auto for the subject, or auto:WIDTH:HEIGHT for a shape around it";

/// The word for the subject.
const SUBJECT: &str = "auto";

/// Larger numbers are in no frame.
const MAX_PIXELS: u32 = 65_536;

impl Crop {
    /// The rectangle in a frame of `size`; `None` if it does not lie in it, or is that of the subject.
    #[must_use]
    pub fn within(self, size: Size) -> Option<CropRect> {
        match self {
            Self::Rect(rect) => rect.is_within(size).then_some(rect),
            Self::Shape(width, height) => CropRect::of_shape((width, height), size),
            Self::Subject(_) => None,
        }
    }
}

impl CropRect {
    /// The largest rectangle with the shape of `width` × `height` around the middle of a frame of `size`.
    /// `None` if it has not two pixels a side.
    #[must_use]
    pub fn of_shape((width, height): (u32, u32), size: Size) -> Option<Self> {
        let scaled = |side: u32, to: u32, from: u32| (u64::from(side) * u64::from(to) / u64::from(from.max(1))) as u32;
        let fits_width = u64::from(size.width()) * u64::from(height) <= u64::from(size.height()) * u64::from(width);
        let (w, h) = if fits_width {
            (size.width(), scaled(size.width(), height, width))
        } else {
            (scaled(size.height(), width, height), size.height())
        };
        let (w, h) = (even(w), even(h));
        let (x, y) = (even((size.width() - w) / 2), even((size.height() - h) / 2));
        Some(Self { x, y, size: Size::new(w, h)? })
    }

    /// The smallest rectangle around the pixels of `columns` and `rows` and a margin, in a frame of `size` that
    /// holds these pixels. Its sides are even, but for one that ends at an odd side of the frame. `None` if
    /// there are no such pixels.
    #[must_use]
    pub fn around_pixels((columns, rows): (&Range<u32>, &Range<u32>), margin: u32, size: Size) -> Option<Self> {
        let along = |pixels: &Range<u32>, length: u32| {
            let start = even(pixels.start.saturating_sub(margin));
            let end = (pixels.end + margin).next_multiple_of(2).min(length);
            // A rectangle has two pixels a side or more if the frame has.
            let start = if end - start < 2 { start.saturating_sub(2) } else { start };
            (start, end - start)
        };
        if columns.is_empty() || rows.is_empty() {
            return None;
        }
        let ((x, width), (y, height)) = (along(columns, size.width()), along(rows, size.height()));
        Some(Self { x, y, size: Size::new(width, height)? })
    }

    /// The smallest rectangle with the shape of `width` × `height`, up to the evenness of its sides, that holds this
    /// one in a frame of `size`, with this one as near to its middle as the frame allows. `None` if the
    /// frame is too small for it.
    #[must_use]
    pub fn grown_to(self, (width, height): (u32, u32), size: Size) -> Option<Self> {
        let needed = |side: u32, to: u32, from: u32| (u64::from(side) * u64::from(to)).div_ceil(u64::from(from.max(1)));
        let grown = |own: u32, other: u32, to: u32, from: u32| {
            u32::try_from(u64::from(own).max(needed(other, to, from)).next_multiple_of(2)).unwrap_or(u32::MAX)
        };
        let w = grown(self.size.width(), self.size.height(), width, height);
        let h = grown(self.size.height(), self.size.width(), height, width);
        let place = |start: u32, own: u32, grown: u32, length: u32| {
            let middle = i64::from(start) - (i64::from(grown) - i64::from(own)) / 2;
            let last = length.checked_sub(grown)?;
            let place = even(u32::try_from(middle.clamp(0, i64::from(last))).unwrap_or(0));
            // At an odd side of the frame, an even length from an even place would miss the last pixel.
            Some((place, if start + own > place + grown { length - place } else { grown }))
        };
        let (x, w) = place(self.x, self.size.width(), w, size.width())?;
        let (y, h) = place(self.y, self.size.height(), h, size.height())?;
        Some(Self { x, y, size: Size::new(w, h)? })
    }

    /// The rectangle that is `inner` in this one.
    #[must_use]
    pub const fn around(self, inner: Self) -> Self {
        Self { x: self.x + inner.x, y: self.y + inner.y, size: inner.size }
    }

    fn is_within(self, frame: Size) -> bool {
        self.x + self.size.width() <= frame.width() && self.y + self.size.height() <= frame.height()
    }

    /// The share of `area`, in a frame of size `frame`, as an area of the rectangle: a box is cut to it.
    /// `None` if nothing of `area` lies in the rectangle.
    #[must_use]
    pub fn area_of(self, area: Area, frame: Size) -> Option<Area> {
        let of = |share: f64, side: u32, from: u32, length: u32| {
            (share * f64::from(side) - f64::from(from)) / f64::from(length)
        };
        let across = |x: f64| of(x, frame.width(), self.x, self.size.width());
        let down = |y: f64| of(y, frame.height(), self.y, self.size.height());
        let placed = match area {
            Area::Point { x, y } => Area::Point { x: across(x), y: down(y) },
            Area::Box { x, y, width, height } => {
                let (left, top) = (across(x).max(0.0), down(y).max(0.0));
                let (right, bottom) = (across(x + width).min(1.0), down(y + height).min(1.0));
                Area::Box { x: left, y: top, width: right - left, height: bottom - top }
            }
        };
        placed.is_within().then_some(placed)
    }
}

const fn even(number: u32) -> u32 {
    number & !1
}

impl FromStr for Crop {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || RequestError::new("crop", text, ALLOWED);
        let numbers = |text: &str, separator: char| -> Option<Vec<u32>> {
            let number = |text: &str| {
                let text = text.trim();
                let is_decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse::<u32>().ok().filter(|number| is_decimal && *number <= MAX_PIXELS)
            };
            text.split(separator).map(number).collect()
        };
        let shape = |numbers: &[u32]| match *numbers {
            [width, height] if [width, height].iter().all(|side| (1..=1000).contains(side)) => Some((width, height)),
            _ => None,
        };
        if let Some(rest) = text.trim().strip_prefix(SUBJECT) {
            let around = rest.trim_start().strip_prefix(':').map(|text| numbers(text, ':').as_deref().and_then(shape));
            return match around {
                None if rest.is_empty() => Ok(Self::Subject(None)),
                Some(Some(shape)) => Ok(Self::Subject(Some(shape))),
                _ => Err(invalid()),
            };
        }
        if let Some(found) = numbers(text, ':').filter(|numbers| numbers.len() == 2) {
            return shape(&found).map(|(width, height)| Self::Shape(width, height)).ok_or_else(invalid);
        }
        match numbers(text, ',').as_deref() {
            Some(&[x, y, width, height]) if [x, y, width, height].iter().all(|number| number % 2 == 0) => {
                let size = Size::new(width, height).ok_or_else(invalid)?;
                Ok(Self::Rect(CropRect { x, y, size }))
            }
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for CropRect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.x, self.y, self.size.width(), self.size.height())
    }
}

impl fmt::Display for Crop {
    /// The form that is parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rect(rect) => rect.fmt(f),
            Self::Shape(width, height) => write!(f, "{width}:{height}"),
            Self::Subject(None) => f.write_str(SUBJECT),
            Self::Subject(Some((width, height))) => write!(f, "{SUBJECT}:{width}:{height}"),
        }
    }
}

impl TryFrom<String> for Crop {
    type Error = RequestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Crop> for String {
    fn from(crop: Crop) -> Self {
        crop.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_and_shapes_are_read_and_others_refused() {
        for text in ["10,20,640,480", "0,0,2,2", "16:9", "1:1", "auto", "auto:9:16"] {
            assert_eq!(text.parse::<Crop>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "autos",
            "auto:",
            "auto:1",
            "auto:0:1",
            "auto:1:1:1",
            "auto,1,1",
            "1,2,3",
            "11,20,640,480",
            "10,20,641,480",
            "0,0,0,2",
            "-2,0,2,2",
            "0:1",
            "1001:1",
            "1:2:3",
            "2,2,2,2,2",
            "99999999999,0,2,2",
            "65538,0,2,2",
        ] {
            let error = text.parse::<Crop>().unwrap_err();
            assert_eq!((error.field(), error.code().name()), ("crop", "INVALID_REQUEST"), "{text}");
        }
    }

    #[test]
    fn a_shape_is_the_largest_in_the_middle_with_even_sides() {
        let rect = |text: &str, width, height| {
            text.parse::<Crop>().unwrap().within(Size::new(width, height).unwrap()).map(|rect| rect.to_string())
        };
        assert_eq!(rect("1:1", 1920, 1080).as_deref(), Some("420,0,1080,1080"));
        assert_eq!(rect("9:16", 1920, 1080).as_deref(), Some("656,0,606,1080"));
        assert_eq!(rect("16:9", 1920, 1080).as_deref(), Some("0,0,1920,1080"));
        assert_eq!(rect("16:9", 721, 721).as_deref(), Some("0,158,720,404"));
        assert_eq!(rect("1000:1", 100, 100), None, "not two pixels high");
        assert_eq!(rect("10,0,90,100", 100, 100).as_deref(), Some("10,0,90,100"));
        assert_eq!((rect("12,0,90,100", 100, 100), rect("0,2,100,100", 100, 100)), (None, None));
    }

    #[test]
    fn a_rectangle_around_the_subject_holds_it_with_even_sides() {
        let frame = Size::new(200, 101).unwrap();
        let around =
            |columns: Range<u32>, rows: Range<u32>, margin| CropRect::around_pixels((&columns, &rows), margin, frame);
        assert_eq!(around(51..60, 33..40, 4).unwrap().to_string(), "46,28,18,16");
        assert_eq!(around(1..200, 0..7, 4).unwrap().to_string(), "0,0,200,12");
        assert_eq!(around(0..2, 100..101, 0).unwrap().to_string(), "0,98,2,3", "the last row of an odd frame");
        assert_eq!(around(10..10, 0..7, 4), None);
        for (shape, expected) in [((1, 1), "46,26,18,18"), ((2, 1), "38,28,32,16"), ((1, 3), "46,8,18,54")] {
            let grown = around(51..60, 33..40, 4).unwrap().grown_to(shape, frame).unwrap();
            assert_eq!(grown.to_string(), expected, "{shape:?}");
        }
        let corner = around(190..200, 90..100, 0).unwrap();
        assert_eq!(corner.grown_to((2, 1), frame).unwrap().to_string(), "180,90,20,10");
        let bottom = around(0..2, 100..101, 0).unwrap();
        assert_eq!(bottom.grown_to((1, 2), frame).unwrap().to_string(), "0,96,2,5", "it holds the last row");
        assert_eq!(around(0..200, 0..100, 0).unwrap().grown_to((1, 1), frame), None, "200 rows of 101");
    }

    #[test]
    fn areas_of_the_frame_become_areas_of_the_rectangle() {
        let frame = Size::new(200, 100).unwrap();
        let rect = CropRect { x: 100, y: 20, size: Size::new(80, 40).unwrap() };
        let point = |x, y| rect.area_of(Area::Point { x, y }, frame);
        assert_eq!(point(0.7, 0.4), Some(Area::Point { x: 0.5, y: 0.5 }));
        assert_eq!((point(0.4, 0.4), point(0.7, 0.7)), (None, None));
        let boxed = |x, width| rect.area_of(Area::Box { x, y: 0.2, width, height: 0.4 }, frame);
        assert_eq!(boxed(0.0, 0.75), Some(Area::Box { x: 0.0, y: 0.0, width: 0.625, height: 1.0 }));
        assert_eq!(boxed(0.0, 0.5), None);
    }
}
