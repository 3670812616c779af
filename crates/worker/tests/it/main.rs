//! Tests of the worker's guarantees about its jobs and previews, with fake cutters.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backgrounds;
mod ends;
mod fetched;
mod fixture;
mod kept_clip;
mod leases;
mod plan_versions;
mod previews;
mod segments;
mod stops;
mod sweep;
