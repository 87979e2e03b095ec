use super::*;

#[test]
fn paths_are_joined_and_normalised() {
    let check = |workdir: &str, action: &str, path: &str| {
        assert_eq!(interpret(action, workdir), Request::ChangeTo(path.to_owned()), "{action}");
    };
    check("/", "cd testbed", "/testbed");
    check("/testbed", "cd ..", "/");
    check("/testbed/dir", "cd ../other/./x//y", "/testbed/other/x/y");
    check("/testbed", "cd /system", "/system");
    check("/", "cd ../../..", "/");
}

#[test]
fn a_command_behind_cd_is_part_of_the_path() {
    assert_eq!(interpret("cd testbed && ls", "/"), Request::ChangeTo("/testbed && ls".to_owned()));
}

#[test]
fn other_commands_run_and_cd_alone_is_malformed() {
    assert_eq!(interpret("ls -l", "/"), Request::Run);
    assert_eq!(interpret(" cd x", "/"), Request::Run);
    assert_eq!(interpret("cd", "/"), Request::Malformed);
}
