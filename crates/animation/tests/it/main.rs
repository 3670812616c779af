//! What is in the files, as decoders that are not ours read them.

mod colors;
mod fixture;
mod frames;
mod limits;
