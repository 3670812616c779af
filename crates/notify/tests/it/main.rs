//! What the courier promises, against receivers that are real sockets.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod delivery;
mod fixture;
mod receiver;
mod schedule;
