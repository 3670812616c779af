//! Integration tests of outbound requests against real listeners.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod fetch;
mod listener;
mod reach;
mod script;
