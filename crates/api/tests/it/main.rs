//! What the API promises on the wire, over the in-memory queue and real files.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod bad_input;
mod connection;
mod control;
mod document;
mod fixture;
mod following;
mod greedy;
mod health;
mod limits;
mod links;
mod list;
mod once;
mod page;
mod preview;
mod reading;
mod tus;
mod uploads;
mod usage;
mod webhooks;
