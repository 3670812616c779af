//! File descriptors: raises their limit and divides them between jobs and connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::settings::Settings;

/// File descriptors for the database, webhooks, clips that are fetched, and other small users.
const RESERVE: u64 = 128;

/// File descriptors for one cut or one preview: pipes to and from its processes, its clip and its
/// outputs.
const PER_CUT: u64 = 64;

/// Minimum number of connections, however few file descriptors there are.
const MIN_CONNECTIONS: usize = 16;

/// Raises the limit of open files as far as the system allows, and returns the new limit. The
/// inherited limit is often 1,024, for the sake of programs that use `select`.
pub(crate) fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // If the system refuses, the limit stays, and the number of connections follows from it.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Number of connections for `limit` file descriptors. Jobs get theirs first; each connection may
/// need one for a file besides its socket.
pub(crate) fn connections(limit: u64, settings: &Settings) -> usize {
    connection_share(limit, (settings.worker.slots.get() + settings.previews.get()) as u64, settings.max_connections)
}

fn connection_share(limit: u64, cuts: u64, requested: usize) -> usize {
    let available = limit.saturating_sub(RESERVE + PER_CUT * cuts) / 2;
    usize::try_from(available).unwrap_or(usize::MAX).max(MIN_CONNECTIONS).min(requested)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_file_descriptors_for_jobs() {
        assert_eq!(connection_share(20_000, 2, 4096), 4096);
        assert_eq!(connection_share(1024, 2, 4096), 384);
        assert_eq!(connection_share(1024, 8, 4096), 192);
        assert_eq!(connection_share(100, 2, 4096), MIN_CONNECTIONS);
        assert_eq!(connection_share(100, 2, 4), 4);
    }
}
