//! Keeps freed pages: flex allocates every result anew, and page faults otherwise cost a third of a training step.

/// `mi_option_purge_delay` of mimalloc.h, which the bindings leave out: the constant before
/// `mi_option_use_numa_nodes`.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = libmimalloc_sys::mi_option_use_numa_nodes - 1;

/// Tells mimalloc never to give pages back. Must run before the first large allocation.
#[expect(unsafe_code, reason = "mimalloc has no safe way to set an option (docs/adr/0004)")]
pub(crate) fn keep_pages() {
    const NEVER: std::ffi::c_long = -1;
    // SAFETY: the option id is one of mimalloc's own and any long is a valid value for it.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, NEVER) };
}
