//! Tests of the courier's guarantees, with receivers that are real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod delivery;
mod fixture;
mod receiver;
mod schedule;
