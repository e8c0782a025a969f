//! The flags of a ring: the best that the kernel knows.

use std::io;

use io_uring::{Builder, IoUring};
use rustix::io::Errno;

/// Makes a ring for `requests`.
///
/// All of these rings have one thread that submits. In the first two, the kernel completes requests only while this thread
/// waits in `io_uring_enter`, instead of interrupting it: a turn's completions come together. `COOP_TASKRUN` at least
/// sends no interrupt to a thread that runs. A kernel older than 6.0 has neither `SINGLE_ISSUER` nor receives with many
/// completions, which the ring needs, so it is refused.
///
/// # Errors
/// When io_uring is forbidden (EPERM), missing (ENOSYS), or too old (EINVAL).
pub(super) fn build(requests: u32) -> io::Result<IoUring> {
    let flags: [fn(&mut Builder) -> &mut Builder; 3] = [
        // Linux 6.6.
        |it| it.setup_defer_taskrun().setup_no_sqarray(),
        // Linux 6.1.
        |it| it.setup_defer_taskrun(),
        // Linux 6.0.
        |it| it.setup_coop_taskrun(),
    ];
    let mut refused = Errno::INVAL.into();
    for flags in flags {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_submit_all();
        builder.setup_cqsize(4 * requests).setup_clamp();
        flags(&mut builder);
        match builder.build(requests) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => refused = error,
            built => return built,
        }
    }
    Err(refused)
}
