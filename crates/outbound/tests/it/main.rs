//! Behavior of outbound requests against real listeners.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod fetch;
mod listener;
mod reach;
mod script;
