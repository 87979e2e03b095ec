//! The system call filter: what no shell command of a question needs.
//!
//! It denies mounts, new namespaces, other processes' memory, the kernel's own interfaces, and all sockets but local
//! ones. Numbers are those of the architecture that this is compiled for.
//!
//! # Source
//! spec/env_sidecars.md §3.5 point 3; classic BPF and seccomp(2).

use libc::{c_long, sock_filter};

/// `AUDIT_ARCH_*` of the kernel.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_003E);
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_00B7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE: Option<u32> = None;

/// Numbers from here on are the x32 interface, which nobody needs.
const X32: u32 = 0x4000_0000;
/// Offsets in `struct seccomp_data`; arguments are little endian.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

const DENIED: [c_long; 51] = [
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    libc::SYS_fanotify_init,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_mbind,
];
/// Denied as if the kernel did not know them: libraries then take the older call, which can be looked into.
const UNKNOWN: [c_long; 2] = [libc::SYS_clone3, libc::SYS_io_uring_setup];

const NEW_NAMESPACES: libc::c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// Denied besides where a command shares the machine's processes: signals, leaving the group, System V's memory.
const DENIED_OUTSIDE: [c_long; 15] = [
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
    libc::SYS_setsid,
    libc::SYS_setpgid,
    libc::SYS_socket,
    libc::SYS_shmget,
    libc::SYS_semget,
    libc::SYS_msgget,
    libc::SYS_mq_open,
    libc::SYS_setpriority,
    libc::SYS_sched_setaffinity,
];

/// Whose processes a command can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    /// Its own: a pid namespace.
    Alone,
    /// The machine's.
    Shared,
}

/// The filter's instructions; none if the architecture is not known.
pub(super) fn program(company: Company) -> Option<Vec<sock_filter>> {
    let architecture = ARCHITECTURE?;
    let mut program = vec![
        load(ARCH),
        skip_unless(libc::BPF_JEQ, architecture, 1),
        skip(1),
        answer(libc::EPERM),
        load(NUMBER),
        skip_unless(libc::BPF_JGE, X32, 1),
        answer(libc::EPERM),
    ];
    let outside = if company == Company::Shared { DENIED_OUTSIDE.as_slice() } else { &[] };
    program.extend(
        outside.iter().flat_map(|call| [skip_unless(libc::BPF_JEQ, *call as u32, 1), answer(libc::EPERM)]),
    );
    let listed = DENIED.map(|call| (call, libc::EPERM)).into_iter();
    for (call, error) in listed.chain(UNKNOWN.map(|call| (call, libc::ENOSYS))) {
        program.extend([skip_unless(libc::BPF_JEQ, call as u32, 1), answer(error)]);
    }
    // A clone into new namespaces, and a socket that is not local.
    program.extend([
        skip_unless(libc::BPF_JEQ, libc::SYS_clone as u32, 4),
        load(FIRST_ARGUMENT),
        skip_unless(libc::BPF_JSET, NEW_NAMESPACES as u32, 1),
        answer(libc::EPERM),
        allow(),
        skip_unless(libc::BPF_JEQ, libc::SYS_socket as u32, 3),
        load(FIRST_ARGUMENT),
        skip_unless(libc::BPF_JEQ, libc::AF_UNIX as u32, 1),
        allow(),
        // What is left: another socket, or any other call.
        load(NUMBER),
        skip_unless(libc::BPF_JEQ, libc::SYS_socket as u32, 1),
        answer(libc::EACCES),
        allow(),
    ]);
    Some(program)
}

fn load(offset: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, offset)
}

/// Goes on if the comparison with `value` holds, else skips `n` instructions.
fn skip_unless(comparison: u32, value: u32, n: u8) -> sock_filter {
    instruction(libc::BPF_JMP | comparison | libc::BPF_K, n, value)
}

fn skip(n: u32) -> sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JA, 0, n)
}

fn answer(error: libc::c_int) -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | error as u32)
}

fn allow() -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW)
}

fn instruction(code: u32, jump_false: u8, value: u32) -> sock_filter {
    sock_filter { code: code as u16, jt: 0, jf: jump_false, k: value }
}
