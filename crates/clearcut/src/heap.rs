//! Heap configuration of the process: one heap for all threads, to save memory.

/// Makes all threads allocate from one heap. Must be the first call in `main`.
///
/// By default, glibc gives threads that allocate at the same time their own heaps (arenas, up to
/// eight per core), which keep most of the memory that is freed in them. A frame passes through
/// several threads, and another one frees it: with arenas, a cut at 1080² takes 20 to 30 MB more.
/// No thread waits for the single heap: large blocks are few, and small ones come from a cache of
/// each thread.
pub(crate) fn use_single_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #![expect(
            unsafe_code,
            reason = "only this function configures glibc from inside; MALLOC_ARENA_MAX does it from outside"
        )]
        // SAFETY: the call changes one parameter of the allocator and is allowed at any time. A
        // refusal (0) has no effect.
        let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
    }
}
