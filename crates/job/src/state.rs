use std::{fmt, str::FromStr};

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Accepted, waiting for a worker.
    Queued,
    /// Handed to a worker that has not begun.
    Submitted,
    /// A worker is at it.
    Processing,
    /// Ended with outputs. Final.
    Completed,
    /// Ended without, for a reason with a code. Final.
    Failed,
}

/// What can happen to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Move {
    /// A worker takes it, with a new fencing token.
    Claim,
    /// The worker begins.
    Start,
    /// The worker commits the outputs.
    Complete,
    /// The job ends without outputs.
    Fail,
    /// The job goes back in line: reaped, retried or released by a drain.
    Requeue,
}

use JobState::{Completed, Failed, Processing, Queued, Submitted};

/// Every legal move: from, what happens, to. What is not here does not happen; nothing leads out of a final state.
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
    /// All states, in the order of a life.
    pub const ALL: [Self; 5] = [Queued, Submitted, Processing, Completed, Failed];

    /// The state after `happening`, or `None` where it is not legal.
    #[must_use]
    pub fn after(self, happening: Move) -> Option<Self> {
        MOVES.into_iter().find(|(from, by, _)| *from == self && *by == happening).map(|(_, _, to)| to)
    }

    /// Whether nothing can happen any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Completed | Failed)
    }

    /// Whether a worker holds a lease on it.
    #[must_use]
    pub const fn is_leased(self) -> bool {
        matches!(self, Submitted | Processing)
    }

    /// The word on the wire and in the database.
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

/// The text is no state of a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no state of a job")]
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

    const HAPPENINGS: [Move; 5] = [Move::Claim, Move::Start, Move::Complete, Move::Fail, Move::Requeue];

    #[test]
    fn nothing_leads_out_of_a_final_state() {
        for state in JobState::ALL.into_iter().filter(|state| state.is_final()) {
            assert!(HAPPENINGS.iter().all(|happening| state.after(*happening).is_none()), "{state}");
        }
    }

    #[test]
    fn only_a_waiting_job_can_be_claimed() {
        for state in JobState::ALL {
            assert_eq!(state.after(Move::Claim).is_some(), state == Queued, "{state}");
        }
    }

    #[test]
    fn every_state_can_be_reached_and_every_other_can_be_left() {
        for state in JobState::ALL.into_iter().filter(|state| *state != Queued) {
            assert!(MOVES.iter().any(|(from, _, to)| *to == state && *from != state), "{state}");
        }
        for state in JobState::ALL.into_iter().filter(|state| !state.is_final()) {
            assert!(state.after(Move::Fail) == Some(Failed), "{state}");
        }
    }

    #[test]
    fn no_move_is_listed_twice() {
        for (index, (from, by, _)) in MOVES.iter().enumerate() {
            assert!(!MOVES[..index].iter().any(|(f, b, _)| f == from && b == by), "{from} {by:?}");
        }
    }

    #[test]
    fn names_read_back() {
        assert!(JobState::ALL.into_iter().all(|state| state.name().parse() == Ok(state)));
        assert!("done".parse::<JobState>().is_err());
    }
}
