//! Order in which API keys are served: the key with fewer running jobs first, then the key that was
//! served longest ago. Computes the position of a waiting job in that order.

use clearcut_job::UnixMillis;

use crate::KeyId;

/// The waiting jobs of one API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backlog {
    /// API key that owns the jobs.
    pub(crate) owner: KeyId,
    /// Number of waiting jobs.
    pub(crate) waiting: u64,
    /// Number of the last claim that served this key; 0 if none has.
    pub(crate) turn: u64,
    /// Ready time and sequence number of the first waiting job.
    pub(crate) first: (UnixMillis, i64),
}

/// Computes the position, from 1, of the job of `owner` that has `ahead` jobs of its key before it.
///
/// Assumes that the keys are served in turn and no job arrives. A key whose turn comes before that
/// of `owner` is served one job more.
pub(crate) fn position(backlogs: &[Backlog], owner: KeyId, ahead: u64) -> u64 {
    let order = |backlog: &Backlog| (backlog.turn, backlog.first);
    let Some(own_order) = backlogs.iter().find(|backlog| backlog.owner == owner).map(order) else { return ahead + 1 };
    let others = backlogs.iter().filter(|backlog| backlog.owner != owner);
    let before: u64 = others.map(|backlog| backlog.waiting.min(ahead + u64::from(order(backlog) < own_order))).sum();
    before + ahead + 1
}
