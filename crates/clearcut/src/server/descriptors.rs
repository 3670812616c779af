//! How many files this process may have open, and how they are shared out.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::config::Settings;

/// Files for the database, webhooks, clips that are fetched, and whatever else there are a few of.
const RESERVE: u64 = 128;

/// Files for one cut or one preview: pipes to and from its processes, its clip and its outputs.
const PER_CUT: u64 = 64;

/// The least number of connections, however few files there are.
const FEWEST_CONNECTIONS: usize = 16;

/// Raises the limit of open files as far as the system lets us, and says how far that is. What is inherited is often 1,024, made for
/// programs that name files by bits of a word.
pub(crate) fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // Kept as it is where the system has another mind: the share of connections follows what there is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How many connections there may be with `limit` open files: each may have a file beside its socket, and jobs come first.
pub(crate) fn connections(limit: u64, settings: &Settings) -> usize {
    share(limit, (settings.slots.get() + settings.previews.get()) as u64, settings.max_connections)
}

fn share(limit: u64, cuts: u64, wanted: usize) -> usize {
    let left = limit.saturating_sub(RESERVE + PER_CUT * cuts) / 2;
    usize::try_from(left).unwrap_or(usize::MAX).max(FEWEST_CONNECTIONS).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_jobs() {
        assert_eq!(share(20_000, 2, 4096), 4096);
        assert_eq!(share(1024, 2, 4096), 384);
        assert_eq!(share(1024, 8, 4096), 192);
        assert_eq!(share(100, 2, 4096), FEWEST_CONNECTIONS);
        assert_eq!(share(100, 2, 4), 4);
    }
}
