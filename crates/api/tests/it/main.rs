//! Integration tests of the API on the wire, over the in-memory queue and a store on disk.

#![allow(clippy::unwrap_used, reason = "a panic fails the test, which is intended")]

mod backgrounds;
mod bad_input;
mod connection;
mod control;
mod document;
mod fake_worker;
mod fixture;
mod following;
mod greedy;
mod health;
mod image_jobs;
mod images;
mod inputs;
mod late_store;
mod limits;
mod links;
mod list;
mod once;
mod page;
mod presigned;
mod preview;
mod reading;
mod refused_files;
mod tus;
mod two_servers;
mod uploads;
mod usage;
mod webhooks;
