//! The stages of a cut, in the order in which a frame passes them.

pub(crate) mod check;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod hints;
pub(crate) mod key;
pub(crate) mod matte;
pub(crate) mod mov;
pub(crate) mod segment;
pub(crate) mod sound;
pub(crate) mod survey;
pub(crate) mod unpack;
pub(crate) mod within;
