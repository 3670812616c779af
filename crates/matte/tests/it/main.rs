//! The keyer seen from outside, on frames painted here.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod canvas;
mod enclosed;
mod hints;
mod keying;
mod lights;
mod model;
mod properties;
mod relatives;
mod soft;
mod thin;
