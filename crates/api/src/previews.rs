//! The preview route.

pub(crate) mod preview;
