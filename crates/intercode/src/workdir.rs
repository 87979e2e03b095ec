//! Where a command runs: the evaluator keeps a working folder of its own and treats `cd` apart.
//!
//! An action that begins with `cd` is nothing but a change of folder: all that follows the first "cd " is its path.
//! So `cd x && ls` succeeds once, and leaves a folder named "x && ls" in which nothing can run any more.
//!
//! # Source
//! spec/env_sidecars.md §3.2.

/// What an action asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Run it in the working folder.
    Run,
    /// Run `cd <path>` from the root; if that succeeds, the path is the working folder.
    ChangeTo(String),
    /// It begins with `cd` and names no path: an error in the evaluator.
    Malformed,
}

/// How the evaluator reads `action` when `workdir` is the working folder.
pub(crate) fn interpret(action: &str, workdir: &str) -> Request {
    if !action.starts_with("cd") {
        return Request::Run;
    }
    match action.find("cd ") {
        Some(at) => Request::ChangeTo(normalised(workdir, action[at + 3..].trim())),
        None => Request::Malformed,
    }
}

/// `path` seen from `workdir`, without empty parts, `.` and `..`.
fn normalised(workdir: &str, path: &str) -> String {
    let from = if path.starts_with('/') { "" } else { workdir };
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests;
