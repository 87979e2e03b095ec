//! What a hostile command may try, and what it must not get.

use std::net::TcpListener;
use std::os::fd::AsRawFd;

use rustix::io::dup;

use super::*;

/// Every attempt prints this if it succeeds.
const OUT: &str = "ESCAPED";

/// Attempts that need to know nothing about the machine.
const BLIND: &[(&str, &str)] = &[
    ("a datagram leaves", "echo x > /dev/udp/8.8.8.8/53 && echo ESCAPED"),
    ("a raw internet socket", "perl -MSocket -e 'socket(S,PF_INET,SOCK_STREAM,0) and print \"ESCAPED\"'"),
    ("a netlink socket", "perl -MSocket -e 'socket(S,16,3,0) and print \"ESCAPED\"'"),
    ("a network device but lo", "tail -n +3 /proc/net/dev | grep -v ' lo:' && echo ESCAPED"),
    ("the machine's passwords", "test -e /etc/shadow && echo ESCAPED"),
    ("the machine's users", "test $(wc -l < /etc/passwd) -gt 2 && echo ESCAPED"),
    ("the kernel's devices", "ls /sys | grep -q . && echo ESCAPED"),
    ("the first process's environment", "cat /proc/1/environ && echo ESCAPED"),
    ("the first process's root", "ls /proc/1/root/ && echo ESCAPED"),
    ("the first process's arguments", "cat /proc/1/cmdline && echo ESCAPED"),
    ("the first process's memory", "head -c 1 /proc/1/mem && echo ESCAPED"),
    ("writing a kernel setting", "echo 1 > /proc/sys/kernel/sysrq && echo ESCAPED"),
    ("the kernel's trigger", "echo h > /proc/sysrq-trigger && echo ESCAPED"),
    ("writing programs", "touch /usr/escaped && echo ESCAPED"),
    ("replacing the shell", "cp /bin/cat /bin/bash && echo ESCAPED"),
    ("a mount", "mkdir -p /tmp/m && mount -t tmpfs none /tmp/m && echo ESCAPED"),
    ("a bind mount", "mkdir -p /tmp/b && mount --bind /usr /tmp/b && echo ESCAPED"),
    ("making programs writable", "mount -o remount,bind,rw /usr && echo ESCAPED"),
    ("taking /proc away", "umount /proc && echo ESCAPED"),
    ("new namespaces", "unshare -Ur true && echo ESCAPED"),
    ("a mount namespace", "unshare -m true && echo ESCAPED"),
    ("another's namespace", "nsenter -t 1 -m true && echo ESCAPED"),
    ("a new root", "perl -e 'chroot(\"/tmp\") and print \"ESCAPED\"'"),
    ("a disk device", "mknod /tmp/disk b 8 0 && echo ESCAPED"),
    ("a memory device", "test -e /dev/mem -o -e /dev/kmsg -o -e /dev/sda -o -e /dev/vda && echo ESCAPED"),
    (
        "a capability",
        "grep -E 'Cap(Eff|Prm|Bnd|Amb)' /proc/self/status | grep -q '[1-9a-f]$' && echo ESCAPED",
    ),
    (
        "a capability by set-user-id",
        "cp /bin/grep /tmp/g; chmod 6755 /tmp/g; /tmp/g CapEff /proc/self/status | grep -q '[1-9a-f]$' && echo ESCAPED",
    ),
    ("new privileges", "grep -q 'NoNewPrivs:.0' /proc/self/status && echo ESCAPED"),
    ("no filter", "grep -q 'Seccomp:.2' /proc/self/status || echo ESCAPED"),
    ("another user", "perl -e '$> = 1000; print \"ESCAPED\" if $> == 1000'"),
    ("the host's name", "hostname escaped && echo ESCAPED"),
    ("the clock", "date -s 2001-01-01 > /tmp/d && echo ESCAPED"),
    ("more descriptors", "ulimit -n 100000 && echo ESCAPED"),
    ("a larger file", "ulimit -f unlimited && echo ESCAPED"),
    ("a link out", "ln -s /proc/1/root/etc /testbed/l && ls /testbed/l/ && echo ESCAPED"),
    ("up and out", "cd /../../../.. && ls work root/.cargo 2>/dev/null && echo ESCAPED"),
    ("waiting for input", "read -r line && echo ESCAPED"),
];

#[test]
fn blind_attempts_fail() {
    let Some(sandbox) = namespaces() else { return };
    assert!(BLIND.len() >= 30, "{}", BLIND.len());
    for (name, attempt) in BLIND {
        // A session each: none may help the next.
        let mut session = sandbox.open(&small_tree()).unwrap();
        let seen = session.execute(&format!(": ;{attempt}"), Author::Model).unwrap();
        assert!(!seen.whole.contains(OUT), "{name}: {}", seen.whole);
        assert_eq!(session.execute("echo alive", Author::Model).unwrap().text, "alive\n", "{name}");
    }
}

#[test]
fn the_machines_files_environment_ports_and_descriptors_are_not_there() {
    let Some(sandbox) = namespaces() else { return };
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, OUT).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let open = std::fs::File::open(&secret).unwrap();
    // As a careless library would open it: it survives an exec.
    let inherited = dup(&open).unwrap();
    let mut session = sandbox.open(&small_tree()).unwrap();
    let mut see = |action: &str| session.execute(action, Author::Model).unwrap().whole;
    assert!(!see(&format!("cat {}", secret.display())).contains(OUT));
    assert!(!see(&format!("cat <&{}", inherited.as_raw_fd())).contains(OUT));
    assert_eq!(see("ls /proc/self/fd | wc -l"), "4\n", "three, and the listing itself");
    see(&format!("exec 3<>/dev/tcp/127.0.0.1/{port}; echo hello >&3"));
    assert!(listener.accept().is_err(), "nobody connected");
    assert_eq!(see("env | cut -d= -f1 | sort | tr '\\n' ' '"), "HOME LANG PATH PWD SHLVL _ ");
    assert_eq!(see("ls /dev | tr '\\n' ' '"), "fd full null random stderr stdin stdout urandom zero ");
    let n_processes: u32 = see("ls /proc | grep -c '^[0-9]'").trim().parse().unwrap();
    assert!((2..=3).contains(&n_processes), "a shell, and the two that count: {n_processes}");
    drop(inherited);
}

#[test]
fn signals_stay_inside() {
    let Some(sandbox) = namespaces() else { return };
    let mut outside = std::process::Command::new("sleep").arg("30").spawn().unwrap();
    let mut session = sandbox.open(&small_tree()).unwrap();
    let mut run = |action: &str| session.execute(action, Author::Model).unwrap();
    run(&format!("kill -9 {}", outside.id()));
    run(&format!("kill -9 {}", std::process::id()));
    run("kill -9 -1");
    run("kill -9 $PPID; kill -9 1");
    assert_eq!(run("echo alive").text, "alive\n");
    assert!(outside.try_wait().unwrap().is_none(), "the process outside lives");
    outside.kill().unwrap();
    outside.wait().unwrap();
}

#[test]
fn memory_files_processes_and_output_are_bounded() {
    let Some(sandbox) = namespaces() else { return };
    let mut session = sandbox.open(&small_tree()).unwrap();
    let mut see = |action: &str| session.execute(action, Author::Model).unwrap();
    // A file, the sum of files, the number of files.
    see("head -c 100M /dev/zero > /testbed/big");
    assert_eq!(see("stat -c %s /testbed/big").text, format!("{}\n", 32 << 20));
    see("for i in 1 2 3 4; do head -c 30M /dev/zero > /tmp/$i; done; true");
    let used = see("du -sxk --exclude=/proc / 2>/dev/null | cut -f1").text;
    assert!(used.trim().parse::<u64>().unwrap() <= 65_536, "{used}");
    see("rm -f /tmp/? /testbed/big");
    let many = see("mkdir /tmp/n; seq 1 30000 | (cd /tmp/n; xargs touch); ls /tmp/n | wc -l").whole;
    assert!(many.contains("No space left on device"), "{}", &many[..many.len().min(300)]);
    see("rm -rf /tmp/n");
    let memory = see("head -c 3G /dev/zero | tail -c 2900M | wc -c").whole;
    assert!(!memory.contains(&(2_900u64 << 20).to_string()), "{memory}");
    // Two outputs, each cut at 64 KiB.
    let loud = see("head -c 10M /dev/zero | tr '\\0' a; head -c 10M /dev/zero | tr '\\0' b >&2");
    assert_eq!((loud.text.len(), loud.whole.len()), (64 << 10, 128 << 10));
    // A fork bomb is refused processes, and is gone when the command ends.
    let started = Instant::now();
    see(":(){ :|:& };:; for i in 1 2 3; do sleep 0.2; done; echo end");
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(see("echo alive").text, "alive\n");
}

#[test]
fn links_that_lead_out_are_seen_as_links() {
    let Some(sandbox) = namespaces() else { return };
    let mut session = sandbox.open(&small_tree()).unwrap();
    let before = session.capture(&["/testbed"]).unwrap();
    let attack = "ln -s / /testbed/everything; mkfifo /testbed/pipe; ln -s /dev/zero /testbed/zero";
    session.execute(attack, Author::Model).unwrap();
    let changes = before.changes(&session.capture(&["/testbed"]).unwrap());
    assert_eq!(changes.len(), 3, "{changes:?}");
    session.execute("rm -rf /testbed; ln -s /usr /testbed", Author::Model).unwrap();
    assert_eq!(session.capture(&["/testbed"]).unwrap().len(), 1, "a link where the folder was");
}
