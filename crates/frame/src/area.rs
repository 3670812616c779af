//! Places in a frame, in shares of its sides.

/// A place in a frame, from its left and upper side, in shares of its width and height: 0.0..=1.0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Area {
    /// One point.
    Point {
        /// From the left side.
        x: f64,
        /// From the upper side.
        y: f64,
    },
    /// A rectangle, with its left upper corner at `x`, `y`.
    Box {
        /// From the left side.
        x: f64,
        /// From the upper side.
        y: f64,
        /// How wide it is.
        width: f64,
        /// How high it is.
        height: f64,
    },
}

impl Area {
    /// Whether all of it lies within a frame, and a rectangle has an inside.
    #[must_use]
    pub fn is_within(self) -> bool {
        let is_share = |value: f64| (0.0..=1.0).contains(&value);
        match self {
            Self::Point { x, y } => is_share(x) && is_share(y),
            Self::Box { x, y, width, height } => {
                is_share(x) && is_share(y) && width > 0.0 && height > 0.0 && is_share(x + width) && is_share(y + height)
            }
        }
    }
}
