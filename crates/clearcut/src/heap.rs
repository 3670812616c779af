//! How this process takes memory from the system.

/// Keeps all that is allocated in one heap; call it first in `main`.
///
/// glibc gives threads that allocate at the same time heaps of their own (arenas, up to eight a core), which keep most of what is freed in
/// them. Frames are matted by threads that live for one of them, and freed by others: at 1080p a cut took 40 MB more for that,
/// a neural one 70. Nothing waits for the one heap: large blocks are few, and small ones come from a cache of each thread.
pub(crate) fn share_one() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #![expect(
            unsafe_code,
            reason = "glibc can be told by this function alone, or from outside by MALLOC_ARENA_MAX"
        )]
        // SAFETY: it changes one number of the allocator and may be called at any time. That it is refused (0) changes nothing.
        let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}
