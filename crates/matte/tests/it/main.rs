//! Integration tests of the keyer and the segmenter through their public interface, on painted
//! frames.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod canvas;
mod doubts;
mod enclosed;
mod glass;
mod hints;
mod keying;
mod lights;
mod model;
mod properties;
mod relatives;
mod shading;
mod soft;
mod thin;
