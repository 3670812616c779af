//! Interactive work: previews and work on single images, done while a client waits for the reply.

use crate::Failure;

/// The reason why interactive work has no result.
#[derive(Debug)]
pub enum InteractiveFailure {
    /// The machine is at its limit of concurrent work of this kind.
    Busy {
        /// Seconds to wait before the next try.
        retry_after_secs: u64,
    },
    /// The input is no longer in the store.
    Gone,
    /// Any other failure, with a message for the user.
    Failed(Failure),
}
