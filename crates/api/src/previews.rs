//! The route of previews, and the trait that makes them.

pub(crate) mod order;
pub(crate) mod preview;
