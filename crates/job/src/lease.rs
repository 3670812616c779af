use std::fmt;

/// Which claim of a job this is: 1 for the first, raised by every claim, never reset.
///
/// A worker says it with every word about the job. A worker that was taken for dead and comes back says an old one, and
/// changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FencingToken(pub u64);

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of one start of one worker process: random, so that a restarted worker is another worker.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkerId(String);

impl WorkerId {
    /// The id made of `random`, which the caller draws from the system's generator.
    #[must_use]
    pub fn from_random(random: u64) -> Self {
        Self(format!("w{random:016x}"))
    }

    /// The id as it stands in the database and in the log.
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
