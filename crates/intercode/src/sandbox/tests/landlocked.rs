//! What a hostile command may try behind Landlock, where it shares the machine's processes and files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A sandbox of the middle tier, if this machine grants it to this user.
fn landlock(scratch: &std::path::Path) -> Option<Sandbox> {
    let mut config = SandboxConfig::new(scratch);
    (config.strongest, config.command_limit) = (Tier::Landlock, Duration::from_secs(3));
    let sandbox = Sandbox::new(config).unwrap();
    let is_granted = rustix::process::getuid().is_root() && child::landlock_version().is_ok();
    assert_eq!(sandbox.isolation().tier == Tier::Landlock, is_granted, "{}", sandbox.isolation());
    is_granted.then_some(sandbox)
}

#[test]
fn commands_see_the_tree_and_change_it() {
    let scratch = public_folder();
    let Some(sandbox) = landlock(scratch.path()) else { return };
    let mut session = sandbox.open(&small_tree()).unwrap();
    let before = session.capture(&["/testbed"]).unwrap();
    let mut see = |action: &str| session.execute(action, Author::Model).unwrap().text;
    assert_eq!(see("wc -l < /testbed/a.txt"), "3\n");
    assert_eq!(see("find /testbed -name '*.txt'"), "/testbed/a.txt\n");
    assert_eq!(see("cd /testbed"), "");
    assert_eq!(see("mkdir new; mv a.txt new/; ls -R"), ".:\nnew\nold.log\n\n./new:\na.txt\n");
    assert_eq!(see("yes | head -n 2 | sort -u"), "y\n");
    assert_eq!(before.changes(&session.capture(&["/testbed"]).unwrap()).len(), 3);
}

#[test]
fn attempts_fail() {
    let scratch = public_folder();
    let Some(sandbox) = landlock(scratch.path()) else { return };
    let folder = public_folder();
    let secret = folder.path().join("secret");
    fs::write(&secret, "ESCAPED").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o666)).unwrap();
    let secret = secret.display();
    let mut outside = std::process::Command::new("sleep").arg("30").spawn().unwrap();
    let attempts = [
        format!("cat {secret}"),
        format!("echo changed > {secret} && echo ESCAPED"),
        format!("ln {secret} /testbed/l && cat /testbed/l"),
        format!("ln -s {secret} /testbed/s; cat /testbed/s"),
        format!("rm -f {secret} && echo ESCAPED"),
        format!("chmod 600 {secret} && echo ESCAPED"),
        "cat /etc/passwd && echo ESCAPED".to_owned(),
        "cat /proc/self/environ && echo ESCAPED".to_owned(),
        "ls /proc && echo ESCAPED".to_owned(),
        "ls /root /home && echo ESCAPED".to_owned(),
        "touch /usr/escaped && echo ESCAPED".to_owned(),
        "touch /tmp/escaped_by_landlock && echo ESCAPED".to_owned(),
        "echo x > /dev/udp/127.0.0.1/9 && echo ESCAPED".to_owned(),
        "perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0) and print \"ESCAPED\"'".to_owned(),
        format!("kill -9 {} && echo ESCAPED", outside.id()),
        format!("kill -9 {} && echo ESCAPED", std::process::id()),
        "perl -e '$> = 0; print \"ESCAPED\" if $> == 0'".to_owned(),
        "unshare -Ur true && echo ESCAPED".to_owned(),
        "mount -t tmpfs none /testbed && echo ESCAPED".to_owned(),
        "setsid true && echo ESCAPED".to_owned(),
    ];
    for attempt in &attempts {
        let mut session = sandbox.open(&small_tree()).unwrap();
        let seen = session.execute(attempt, Author::Model).unwrap();
        assert!(!seen.whole.contains("ESCAPED"), "{attempt}: {}", seen.whole);
    }
    assert_eq!(fs::read_to_string(folder.path().join("secret")).unwrap(), "ESCAPED");
    assert!(outside.try_wait().unwrap().is_none(), "the process outside lives");
    outside.kill().unwrap();
    outside.wait().unwrap();
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn nothing_of_a_command_outlives_it() {
    let scratch = public_folder();
    let Some(sandbox) = landlock(scratch.path()) else { return };
    let marker = format!("976{}", std::process::id());
    let mut session = sandbox.open(&small_tree()).unwrap();
    let daemons =
        format!("sleep {marker} & (nohup sleep {marker} >/dev/null 2>&1 &); :(){{ :|:& }};:; echo started");
    session.execute(&daemons, Author::Model).unwrap();
    let left = leftovers::command_lines().into_iter().filter(|line| line.contains(&marker)).count();
    assert_eq!(left, 0);
    assert_eq!(session.execute("echo alive", Author::Model).unwrap().text, "alive\n");
}
