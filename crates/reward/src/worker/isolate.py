# Isolation of a reward worker, in tiers: namespaces, else a seccomp filter, else resource limits alone.
#
# Everything here works without privileges and without any package. What the kernel refuses is left out and named; the
# worker runs in any case. The five files of this folder are one program: they are joined and given to `python3 -c`.

import json
import os
import select
import signal
import struct
import sys

CLONE_FLAGS = {"user": 0x10000000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x08000000}
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 1, 22, 38, 2
EPERM, EAGAIN, EACCES, ENOSYS = 1, 11, 13, 38

# Architecture -> (audit number, system calls by name).
SYSCALLS = {
    "x86_64": (0xC000003E, dict(
        socket=41, clone=56, fork=57, vfork=58, execve=59, kill=62, ptrace=101, setpgid=109, setsid=112,
        rt_sigqueueinfo=129, setrlimit=160, mount=165, tkill=200, tgkill=234, unshare=272, rt_tgsigqueueinfo=297,
        prlimit64=302, setns=308, process_vm_writev=311, bpf=321, execveat=322)),
    "aarch64": (0xC00000B7, dict(
        socket=198, clone=220, execve=221, kill=129, ptrace=117, setpgid=154, setsid=157, rt_sigqueueinfo=138,
        setrlimit=164, mount=40, tkill=130, tgkill=131, unshare=97, rt_tgsigqueueinfo=240, prlimit64=261, setns=268,
        process_vm_writev=271, bpf=280, execveat=281)),
}
SYSCALLS_EVERYWHERE = dict(pidfd_send_signal=424, io_uring_setup=425, pidfd_open=434, clone3=435)

# For the worker and whatever it starts: no network, no other process's memory, no new namespaces.
QUIET = dict(socket=EACCES, io_uring_setup=ENOSYS, ptrace=EPERM, process_vm_writev=EPERM, unshare=EPERM, setns=EPERM,
             mount=EPERM, bpf=EPERM)
# For the process that runs functions: no children, no signals to others, no way out of its process group and limits.
ALONE = dict(fork=EAGAIN, vfork=EAGAIN, clone3=ENOSYS, execve=EPERM, execveat=EPERM, kill=EPERM, tkill=EPERM,
             rt_sigqueueinfo=EPERM, rt_tgsigqueueinfo=EPERM, pidfd_send_signal=EPERM, pidfd_open=EPERM, setsid=EPERM,
             setpgid=EPERM, setrlimit=EPERM)


def libc():
    import ctypes
    return ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result != 0:
        import ctypes
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def enter_namespaces():
    """New user, pid, network and ipc namespaces; the next fork is the first process in them."""
    uid, gid, flags = os.getuid(), os.getgid(), 0
    for flag in CLONE_FLAGS.values():
        flags |= flag
    checked(libc().unshare(flags), "unshare")
    for name, text in [("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")]:
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def filter_program(denied, alone):
    """A BPF program that answers the `denied` calls with their error; `alone` also minds arguments."""
    audit, numbers = SYSCALLS[os.uname().machine]
    numbers = {**numbers, **SYSCALLS_EVERYWHERE}
    load = lambda offset: (0x20, 0, 0, offset)
    answer = lambda error: (0x06, 0, 0, 0x00050000 | error)
    allow = (0x06, 0, 0, 0x7FFF0000)
    program = [load(4), (0x15, 1, 0, audit), answer(EPERM), load(0), (0x35, 0, 1, 0x40000000), answer(EPERM)]
    for name, error in denied.items():
        if name in numbers:
            program += [(0x15, 0, 1, numbers[name]), answer(error)]
    if alone:
        # Threads are clones with CLONE_THREAD; abort() signals its own process; reading a limit passes no new one.
        clone, own, limit = numbers["clone"], numbers["tgkill"], numbers["prlimit64"]
        program += [(0x15, 0, 4, clone), load(16), (0x45, 0, 1, 0x10000), allow, answer(EAGAIN)]
        program += [(0x15, 0, 4, own), load(16), (0x15, 0, 1, os.getpid()), allow, answer(EPERM)]
        program += [(0x15, 0, 4, limit), load(32), (0x15, 0, 1, 0), allow, answer(EPERM)]
    return program + [allow]


def install_filter(denied, alone=False):
    import ctypes
    program = b"".join(struct.pack("=HBBI", *line) for line in filter_program(denied, alone))
    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(code)))
    word = ctypes.c_ulong
    checked(libc().prctl(PR_SET_NO_NEW_PRIVS, word(1), word(0), word(0), word(0)), "no_new_privs")
    checked(libc().prctl(PR_SET_SECCOMP, word(SECCOMP_MODE_FILTER), header, word(0), word(0)), "seccomp")


def set_limits(memory_bytes, file_bytes, processes):
    import resource
    wanted = [("RLIMIT_AS", memory_bytes), ("RLIMIT_FSIZE", file_bytes), ("RLIMIT_CORE", 0),
              ("RLIMIT_NPROC", processes), ("RLIMIT_NOFILE", 256)]
    for name, value in wanted:
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))


def attempt(name, action, refused):
    """True if `action` was carried out; else `refused` says why not."""
    try:
        action()
        return True
    except Exception as error:
        refused.append(f"{name}: {error}")
        return False


def die_with_parent():
    libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def drop_secrets():
    """Starts the interpreter again without the environment's credentials, if there are any."""
    words = ("TOKEN", "KEY", "SECRET", "PASSWORD", "CREDENTIAL")
    kept = {name: value for name, value in os.environ.items() if not any(word in name.upper() for word in words)}
    if len(kept) < len(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], kept)


def take_channel():
    """The pipes to the pool under numbers that nobody guesses; standard input and output lead nowhere."""
    requests, replies = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    return requests, replies


def monitor(worker, requests, replies):
    """Waits for the worker's end or the pool's, reports the first, and leaves no process of the group behind."""
    poll = select.poll()
    poll.register(requests, 0)
    wait_ms = 100
    try:
        poll.register(os.pidfd_open(worker), select.POLLIN)
        wait_ms = None
    except (OSError, AttributeError):
        pass
    while True:
        ready = poll.poll(wait_ms)
        ended, status = os.waitpid(worker, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            how = f"killed by signal {-code}" if code < 0 else f"exited with code {code}"
            write_frame(replies, {"died": how})
            break
        if any(fd == requests for fd, _ in ready):
            break
    os.killpg(0, signal.SIGKILL)


def read_exactly(fd, size):
    pieces = []
    while size > 0:
        piece = os.read(fd, min(size, 1 << 20))
        if not piece:
            os._exit(0)
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def read_frame(fd, loads=json.loads):
    return loads(read_exactly(fd, struct.unpack("<I", read_exactly(fd, 4))[0]))


def write_frame(fd, value, dumps=json.dumps):
    data = dumps(value, ensure_ascii=True).encode()
    data = memoryview(struct.pack("<I", len(data)) + data)
    while data:
        data = data[os.write(fd, data):]
