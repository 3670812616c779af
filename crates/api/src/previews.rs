//! The preview route, and the trait that makes previews.

pub(crate) mod preview;
pub(crate) mod previewer;
