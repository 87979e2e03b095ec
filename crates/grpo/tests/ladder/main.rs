//! Small problems that a trainer must be able to learn, hardest last. Each runs in seconds on two cores.
//!
//! Source: reference curves measured with torch (`spec/rl.md` §6.2). Seed 0 runs by default; all seeds under
//! `--profile ladder`.

mod bandit;
mod kuhn;
mod puzzles;
