//! Webhook event kinds and sets of them, with their names on the wire and in the database.

use std::{fmt, str::FromStr};

/// Kind of a webhook event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A worker started the job for the first time.
    JobStarted,
    /// The job ended with outputs.
    JobCompleted,
    /// The job ended without outputs.
    JobFailed,
    /// A test of an endpoint. Belongs to no job.
    Test,
}

impl EventKind {
    /// The kinds that an endpoint can subscribe to, in the order of a job's life cycle.
    pub const OF_JOBS: [Self; 3] = [Self::JobStarted, Self::JobCompleted, Self::JobFailed];

    /// All kinds.
    pub const ALL: [Self; 4] = [Self::JobStarted, Self::JobCompleted, Self::JobFailed, Self::Test];

    /// The name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::JobStarted => "job.started",
            Self::JobCompleted => "job.completed",
            Self::JobFailed => "job.failed",
            Self::Test => "webhook.test",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not an event kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an event kind")]
pub struct ParseEventError(String);

impl FromStr for EventKind {
    type Err = ParseEventError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| ParseEventError(text.to_owned()))
    }
}

/// The event kinds that an endpoint subscribes to: at least one, no duplicates, job events only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventKinds(Vec<EventKind>);

impl EventKinds {
    /// All kinds of job events.
    #[must_use]
    pub fn all() -> Self {
        Self(EventKind::OF_JOBS.into())
    }

    /// Sorts `kinds` in the order of a job's life cycle. `None` if `kinds` is empty or contains a
    /// duplicate or a kind that is not a job event.
    #[must_use]
    pub fn new(mut kinds: Vec<EventKind>) -> Option<Self> {
        kinds.sort();
        let has_duplicate = kinds.windows(2).any(|pair| pair[0] == pair[1]);
        let valid = !kinds.is_empty() && !has_duplicate && kinds.iter().all(|kind| EventKind::OF_JOBS.contains(kind));
        valid.then_some(Self(kinds))
    }

    /// Whether `kind` is subscribed to.
    #[must_use]
    pub fn contains(&self, kind: EventKind) -> bool {
        self.0.contains(&kind)
    }

    /// Iterates over the kinds in the order of a job's life cycle.
    pub fn iter(&self) -> impl Iterator<Item = EventKind> {
        self.0.iter().copied()
    }

    /// Formats the kinds as in the database: `,job.started,job.failed,`.
    pub(crate) fn to_stored(&self) -> String {
        self.0.iter().fold(",".to_owned(), |text, kind| text + kind.name() + ",")
    }

    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        let kinds = text.trim_matches(',').split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
        Self::new(kinds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_sets_read_back_from_the_database() {
        for kinds in [EventKinds::all(), EventKinds::new(vec![EventKind::JobFailed]).unwrap()] {
            assert_eq!(EventKinds::from_stored(&kinds.to_stored()), Some(kinds));
        }
        assert_eq!(EventKinds::from_stored(",job.ended,"), None);
    }

    #[test]
    fn empty_duplicate_and_test_kinds_are_refused() {
        let refused =
            [vec![], vec![EventKind::JobFailed, EventKind::JobFailed], vec![EventKind::JobFailed, EventKind::Test]];
        assert!(refused.into_iter().all(|kinds| EventKinds::new(kinds).is_none()));
    }
}
