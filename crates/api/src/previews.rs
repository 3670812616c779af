//! The preview route, and the trait that renders previews.

pub(crate) mod order;
pub(crate) mod preview;
