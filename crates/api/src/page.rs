//! The web page: its assets, and the one-time link that signs a browser in.

pub(crate) mod assets;
pub(crate) mod one_time_link;
pub(crate) mod sign_in;
