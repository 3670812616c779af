//! Lease of a job: the fencing token of the claim, and the ID of the worker.

use std::fmt;

/// Fencing token: the number of the claim of a job. 1 for the first claim, incremented by each
/// claim, never reset.
///
/// A worker passes the token with every change of the job. A worker that lost its lease and comes
/// back has an outdated token, and its changes are rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FencingToken(pub u64);

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// ID of one run of a worker process. It is random, so that a restarted worker counts as another
/// worker.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkerId(String);

impl WorkerId {
    /// Creates the ID from `random`, which the caller draws from the system's random generator.
    #[must_use]
    pub fn from_random(random: u64) -> Self {
        Self(format!("w{random:016x}"))
    }

    /// The ID as it appears in the database and in the log.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
