//! Areas of a frame in relative coordinates, which hold at any resolution.

/// A point or a rectangle in a frame, in fractions of its width and height: 0.0..=1.0. The origin
/// is the top left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Area {
    /// A single point.
    Point {
        /// Distance from the left side.
        x: f64,
        /// Distance from the top side.
        y: f64,
    },
    /// A rectangle with its top left corner at `x`, `y`.
    Box {
        /// Distance of its left side from the frame's left side.
        x: f64,
        /// Distance of its top side from the frame's top side.
        y: f64,
        /// Width of the rectangle.
        width: f64,
        /// Height of the rectangle.
        height: f64,
    },
}

impl Area {
    /// Whether the area lies entirely within the frame and a rectangle is not empty.
    #[must_use]
    pub fn is_within(self) -> bool {
        let is_fraction = |value: f64| (0.0..=1.0).contains(&value);
        match self {
            Self::Point { x, y } => is_fraction(x) && is_fraction(y),
            Self::Box { x, y, width, height } => {
                is_fraction(x)
                    && is_fraction(y)
                    && width > 0.0
                    && height > 0.0
                    && is_fraction(x + width)
                    && is_fraction(y + height)
            }
        }
    }
}
