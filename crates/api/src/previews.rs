//! The preview route, and the trait that renders previews.

pub(crate) mod preview;
pub(crate) mod previewer;
