//! In which order keys are served: a key that has fewer jobs running comes first, then the one that was served longest ago.

use clearcut_job::UnixMillis;

use crate::KeyId;

/// The waiting jobs of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// Whose.
    pub(crate) owner: KeyId,
    /// How many wait.
    pub(crate) waiting: u64,
    /// The number of the claim that this line was served by last; 0 for never.
    pub(crate) turn: u64,
    /// Since when the first waits, and its number among all jobs.
    pub(crate) first: (UnixMillis, i64),
}

/// The place, from 1, of the job that has `ahead` jobs of its own line before it, when the lines are served in turn and
/// nothing new comes. A line that is served before this one gets in one job more.
pub(crate) fn position(lines: &[Line], owner: KeyId, ahead: u64) -> u64 {
    let order = |line: &Line| (line.turn, line.first);
    let Some(own) = lines.iter().find(|line| line.owner == owner).map(order) else { return ahead + 1 };
    let others = lines.iter().filter(|line| line.owner != owner);
    let before: u64 = others.map(|line| line.waiting.min(ahead + u64::from(order(line) < own))).sum();
    before + ahead + 1
}
