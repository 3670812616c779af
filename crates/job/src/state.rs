//! State machine of a job: its states and the legal transitions between them.

use std::{fmt, str::FromStr};

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Accepted and waiting for a worker.
    Queued,
    /// Claimed by a worker that has not started it.
    Submitted,
    /// In progress at a worker.
    Processing,
    /// Completed with outputs. Final.
    Completed,
    /// Ended without outputs, with a failure code. Final.
    Failed,
}

/// A transition of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Move {
    /// A worker claims the job with a new fencing token.
    Claim,
    /// The worker starts processing.
    Start,
    /// The worker commits the outputs.
    Complete,
    /// The job ends without outputs.
    Fail,
    /// The job returns to the queue: its lease expired, it is retried, or a draining worker
    /// released it.
    Requeue,
}

use JobState::{Completed, Failed, Processing, Queued, Submitted};

/// All legal transitions, as (from, transition, to). Final states have none.
const MOVES: [(JobState, Move, JobState); 10] = [
    (Queued, Move::Claim, Submitted),
    (Queued, Move::Fail, Failed),
    (Submitted, Move::Start, Processing),
    (Submitted, Move::Complete, Completed),
    (Submitted, Move::Fail, Failed),
    (Submitted, Move::Requeue, Queued),
    (Processing, Move::Start, Processing),
    (Processing, Move::Complete, Completed),
    (Processing, Move::Fail, Failed),
    (Processing, Move::Requeue, Queued),
];

impl JobState {
    /// All states, in the order of the life cycle.
    pub const ALL: [Self; 5] = [Queued, Submitted, Processing, Completed, Failed];

    /// The state after the transition `requested`, or `None` if it is illegal in this state.
    #[must_use]
    pub fn after(self, requested: Move) -> Option<Self> {
        MOVES.into_iter().find(|(from, transition, _)| *from == self && *transition == requested).map(|(_, _, to)| to)
    }

    /// Whether the state has no further transitions.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Completed | Failed)
    }

    /// Whether a worker holds a lease on the job.
    #[must_use]
    pub const fn is_leased(self) -> bool {
        matches!(self, Submitted | Processing)
    }

    /// The state's name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Queued => "queued",
            Submitted => "submitted",
            Processing => "processing",
            Completed => "completed",
            Failed => "failed",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not a job state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a job state")]
pub struct ParseJobStateError(String);

impl FromStr for JobState {
    type Err = ParseJobStateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| ParseJobStateError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL_MOVES: [Move; 5] = [Move::Claim, Move::Start, Move::Complete, Move::Fail, Move::Requeue];

    #[test]
    fn final_states_have_no_transitions() {
        for state in JobState::ALL.into_iter().filter(|state| state.is_final()) {
            assert!(ALL_MOVES.iter().all(|transition| state.after(*transition).is_none()), "{state}");
        }
    }

    #[test]
    fn only_a_queued_job_can_be_claimed() {
        for state in JobState::ALL {
            assert_eq!(state.after(Move::Claim).is_some(), state == Queued, "{state}");
        }
    }

    #[test]
    fn every_state_is_reachable_and_every_unfinished_job_can_fail() {
        for state in JobState::ALL.into_iter().filter(|state| *state != Queued) {
            assert!(MOVES.iter().any(|(from, _, to)| *to == state && *from != state), "{state}");
        }
        for state in JobState::ALL.into_iter().filter(|state| !state.is_final()) {
            assert!(state.after(Move::Fail) == Some(Failed), "{state}");
        }
    }

    #[test]
    fn no_transition_is_listed_twice() {
        for (index, (from, transition, _)) in MOVES.iter().enumerate() {
            assert!(
                !MOVES[..index].iter().any(|(other_from, other, _)| other_from == from && other == transition),
                "{from} {transition:?}"
            );
        }
    }

    #[test]
    fn state_names_round_trip() {
        assert!(JobState::ALL.into_iter().all(|state| state.name().parse() == Ok(state)));
        assert!("done".parse::<JobState>().is_err());
    }
}
