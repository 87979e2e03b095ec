//! Forked children that run code of ours, and the system calls that no safe crate wraps.
//!
//! A child of a process with threads may do no more than a signal handler: system calls on values prepared before. So
//! what runs in a child takes no lock, allocates nothing and cannot panic. All `unsafe` of the sandbox is here.

use std::ffi::{CStr, CString, c_char};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process, pidfd_open, wait, waitpid,
};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Descriptors that a fallback closes one by one, where the kernel cannot close a range.
const MANY_DESCRIPTORS: i32 = 4096;

/// Which pid namespace a child begins in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PidNamespace {
    /// The parent's.
    Shared,
    /// A new one, of which the child is the first process: the others end with it.
    Fresh,
}

/// A child that has not been waited for. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
}

impl Child {
    /// Forks; the child runs `body` and exits with the code that it returns.
    ///
    /// `body` follows the rules of this file.
    #[expect(unsafe_code, reason = "fork has no safe form; what a child may do is said at the top")]
    pub(super) fn start(namespace: PidNamespace, body: impl FnOnce() -> u8) -> Result<Self, Errno> {
        let flags = libc::c_long::from(libc::SIGCHLD)
            | match namespace {
                PidNamespace::Shared => 0,
                PidNamespace::Fresh => libc::c_long::from(libc::CLONE_NEWPID),
            };
        // SAFETY: without CLONE_VM this is fork: the child has a copy of the memory and the stack. The fourth and fifth
        // argument differ in order between architectures and are zero.
        match unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } {
            0 => {
                let unwinding = ExitOnDrop;
                let code = body();
                std::mem::forget(unwinding);
                exit(code)
            }
            pid if pid > 0 => {
                let pid = Pid::from_raw(pid as i32).expect("a process id is positive");
                Ok(Self { pid })
            }
            _ => Err(last_errno()),
        }
    }

    /// A descriptor that is readable once the child has ended.
    pub(super) fn pidfd(&self) -> Result<OwnedFd, Errno> {
        pidfd_open(self.pid, PidfdFlags::empty())
    }

    /// Kills the child.
    pub(super) fn kill(&self) {
        let _already_gone = kill_process(self.pid, Signal::KILL);
    }

    /// Kills the child and whoever is still in the process group that it leads.
    pub(super) fn kill_group(&self) {
        let _no_such_group = rustix::process::kill_process_group(self.pid, Signal::KILL);
        self.kill();
    }

    /// Waits for its end, however long; returns its exit code as a shell would.
    pub(super) fn wait(self) -> u8 {
        let code = wait_for(self.pid);
        std::mem::forget(self);
        code
    }

    /// As [`Child::wait`], for the first process of a pid namespace: others that lost their parent are waited for too.
    pub(super) fn wait_as_init(self) -> u8 {
        loop {
            match wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) if pid == self.pid => {
                    std::mem::forget(self);
                    return code_of(status);
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return u8::MAX,
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        wait_for(self.pid);
    }
}

fn wait_for(pid: Pid) -> u8 {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return code_of(status),
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => return u8::MAX,
        }
    }
}

fn code_of(status: WaitStatus) -> u8 {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code as u8,
        (None, Some(signal)) => 128u8.saturating_add(signal as u8),
        (None, None) => u8::MAX,
    }
}

/// A panic in a child must not unwind into the parent's frames.
struct ExitOnDrop;

impl Drop for ExitOnDrop {
    fn drop(&mut self) {
        exit(u8::MAX);
    }
}

#[expect(unsafe_code, reason = "no crate that we use wraps _exit")]
fn exit(code: u8) -> ! {
    // SAFETY: ends this process at once; nothing of it is used afterwards.
    unsafe { libc::_exit(i32::from(code)) }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)
}

/// New namespaces for this child.
#[expect(unsafe_code, reason = "of all flags only FILES is dangerous, and callers here never pass it")]
pub(super) fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: the flags name namespaces only.
    unsafe { unshare_unsafe(flags.difference(UnshareFlags::FILES)) }
}

/// A list of strings as `execve` takes it.
#[derive(Debug)]
pub(super) struct StringList {
    pointers: Vec<*const c_char>,
    /// Own what the pointers point to.
    _strings: Vec<CString>,
}

impl StringList {
    pub(super) fn new(strings: Vec<CString>) -> Self {
        let pointers = strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect();
        Self { pointers, _strings: strings }
    }
}

#[expect(unsafe_code, reason = "the pointers lead to strings of the same value, which nobody changes")]
// SAFETY: shared and moved like the strings that it owns; a CString's bytes do not move with it.
unsafe impl Send for StringList {}
#[expect(unsafe_code, reason = "the pointers lead to strings of the same value, which nobody changes")]
// SAFETY: as above.
unsafe impl Sync for StringList {}

/// Becomes `program`. Returns only if that fails.
#[expect(unsafe_code, reason = "no crate that we use wraps execve without an allocation")]
pub(super) fn exec(program: &CStr, arguments: &StringList, environment: &StringList) -> Errno {
    // SAFETY: the lists end with a null pointer and outlive the call; resetting signals concerns this child alone.
    unsafe {
        // Rust ignores SIGPIPE, and `yes | head` would complain.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        libc::execve(program.as_ptr(), arguments.pointers.as_ptr(), environment.pointers.as_ptr());
    }
    last_errno()
}

/// What becomes of descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Descriptors {
    /// Closed now.
    Close,
    /// Closed when a program takes over.
    CloseOnExec,
}

/// Closes all descriptors from `first` on: libraries may have opened some that would be inherited.
#[expect(unsafe_code, reason = "closes by number, in a child that uses none of them again")]
pub(super) fn close_from(first: i32, when: Descriptors) {
    let flag = if when == Descriptors::CloseOnExec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    // SAFETY: callers are children at the end of their own work; CloseOnExec closes nothing that they still use.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flag) == 0 {
            return;
        }
        for fd in first..MANY_DESCRIPTORS {
            match when {
                Descriptors::Close => libc::close(fd),
                Descriptors::CloseOnExec => libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC),
            };
        }
    }
}

/// Makes the mount at `path` and all below it read-only, without devices and set-user-id programs.
#[expect(unsafe_code, reason = "no crate that we use wraps mount_setattr")]
pub(super) fn make_read_only(path: &CStr) -> Result<(), Errno> {
    /// `struct mount_attr` of the kernel.
    #[repr(C)]
    struct Attributes {
        set: u64,
        clear: u64,
        propagation: u64,
        userns_fd: u64,
    }
    let set = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
    let attributes = Attributes { set, clear: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: the path ends with a zero, the structure has the size that is given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<Attributes>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Puts a system call filter on this child and its descendants. It must have given up new privileges before.
#[expect(unsafe_code, reason = "no crate that we use wraps the installation of a filter")]
pub(super) fn install_filter(program: &[libc::sock_filter]) -> Result<(), Errno> {
    let header = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies `len` instructions and does not write to them.
    let result =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const header, 0, 0) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// A word for the parent that something failed: where, and why.
pub(super) fn report(to: impl AsFd, stage: u8, error: Errno) {
    let code = error.raw_os_error().to_le_bytes();
    let _parent_gone = rustix::io::write(to, &[stage, code[0], code[1], code[2], code[3]]);
}

/// `struct landlock_ruleset_attr` of the kernel: what is denied unless a rule allows it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct RulesetAttributes {
    pub(super) files: u64,
    pub(super) network: u64,
    pub(super) scopes: u64,
}

/// The kernel's version of Landlock, from 1.
#[expect(unsafe_code, reason = "no crate that we use wraps Landlock")]
pub(super) fn landlock_version() -> Result<i32, Errno> {
    const VERSION: libc::c_uint = 1;
    // SAFETY: asks for a number; there is no structure.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<RulesetAttributes>(),
            0usize,
            VERSION,
        )
    };
    if version > 0 { Ok(version as i32) } else { Err(last_errno()) }
}

/// An empty rule set.
#[expect(unsafe_code, reason = "no crate that we use wraps Landlock")]
pub(super) fn create_ruleset(attributes: &RulesetAttributes, version: i32) -> Result<OwnedFd, Errno> {
    // Older kernels know a shorter structure.
    let size = match version {
        ..4 => 8,
        4..6 => 16,
        _ => size_of::<RulesetAttributes>(),
    };
    // SAFETY: the structure is at least as long as said; a number that is not negative is a descriptor of our own.
    unsafe {
        let fd = libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::from_ref(attributes), size, 0u32);
        if fd >= 0 { Ok(OwnedFd::from_raw_fd(fd as i32)) } else { Err(last_errno()) }
    }
}

/// Allows `rights` at and below the open place `fd`.
#[expect(unsafe_code, reason = "no crate that we use wraps Landlock")]
pub(super) fn add_rule(ruleset: BorrowedFd<'_>, rights: u64, fd: i32) -> Result<(), Errno> {
    const PATH_BENEATH: libc::c_int = 1;
    /// `struct landlock_path_beneath_attr` of the kernel.
    #[repr(C, packed)]
    struct PathBeneath {
        rights: u64,
        fd: i32,
    }
    let rule = PathBeneath { rights, fd };
    // SAFETY: the kernel reads the structure and keeps no reference.
    let result = unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), PATH_BENEATH, &raw const rule, 0u32)
    };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Puts a rule set on this child and its descendants. It must have given up new privileges before.
#[expect(unsafe_code, reason = "no crate that we use wraps Landlock")]
pub(super) fn restrict_self(ruleset: BorrowedFd<'_>) -> Result<(), Errno> {
    // SAFETY: two numbers.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0u32) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}
