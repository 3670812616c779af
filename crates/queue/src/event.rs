use std::{fmt, str::FromStr};

/// What a webhook tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A worker began, for the first time.
    JobStarted,
    /// The job ended with outputs.
    JobCompleted,
    /// The job ended without.
    JobFailed,
    /// Somebody wants to see whether an endpoint works. Of no job.
    Test,
}

impl EventKind {
    /// The kinds that an endpoint can ask for, in the order of a life.
    pub const OF_JOBS: [Self; 3] = [Self::JobStarted, Self::JobCompleted, Self::JobFailed];

    /// The word on the wire and in the database.
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

/// The text is no kind of event, or no list of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of event")]
pub struct ParseEventError(String);

impl FromStr for EventKind {
    type Err = ParseEventError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = Self::OF_JOBS.into_iter().chain([Self::Test]);
        all.into_iter().find(|kind| kind.name() == text).ok_or_else(|| ParseEventError(text.to_owned()))
    }
}

/// The kinds of events that an endpoint wants: at least one, each once, of jobs only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventKinds(Vec<EventKind>);

impl EventKinds {
    /// All that tell of jobs.
    #[must_use]
    pub fn all() -> Self {
        Self(EventKind::OF_JOBS.into())
    }

    /// These, in the order of a life; `None` if there is none, a double, or one that is not of jobs.
    #[must_use]
    pub fn new(mut kinds: Vec<EventKind>) -> Option<Self> {
        kinds.sort();
        let doubled = kinds.windows(2).any(|pair| pair[0] == pair[1]);
        let valid = !kinds.is_empty() && !doubled && kinds.iter().all(|kind| EventKind::OF_JOBS.contains(kind));
        valid.then_some(Self(kinds))
    }

    /// Whether `kind` is wanted.
    #[must_use]
    pub fn contains(&self, kind: EventKind) -> bool {
        self.0.contains(&kind)
    }

    /// Each kind, in the order of a life.
    pub fn iter(&self) -> impl Iterator<Item = EventKind> {
        self.0.iter().copied()
    }

    /// As the database keeps it: `,job.started,job.failed,`.
    pub(crate) fn stored(&self) -> String {
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
    fn sets_of_events_read_back_from_the_database() {
        for kinds in [EventKinds::all(), EventKinds::new(vec![EventKind::JobFailed]).unwrap()] {
            assert_eq!(EventKinds::from_stored(&kinds.stored()), Some(kinds));
        }
        assert_eq!(EventKinds::from_stored(",job.ended,"), None);
    }

    #[test]
    fn no_event_a_double_and_a_test_are_no_choice() {
        let refused =
            [vec![], vec![EventKind::JobFailed, EventKind::JobFailed], vec![EventKind::JobFailed, EventKind::Test]];
        assert!(refused.into_iter().all(|kinds| EventKinds::new(kinds).is_none()));
    }
}
