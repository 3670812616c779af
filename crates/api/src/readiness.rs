//! The interface to the health checks that live outside of this crate.

use serde::Serialize;
use utoipa::ToSchema;

/// One health check.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Check {
    /// Name of the check: `database`, `store`, `disk`, `ffmpeg`, `sandbox` or `worker`.
    pub name: &'static str,
    /// Whether the check passed.
    pub ok: bool,
    /// Result for people. Contains no paths.
    pub detail: String,
}

/// Health checks of the surrounding program, for tools that the API cannot reach.
pub trait Readiness: Send + Sync + std::fmt::Debug {
    /// Runs the checks. Must be fast: slow checks run at startup and are cached.
    fn checks(&self) -> Vec<Check>;
}
