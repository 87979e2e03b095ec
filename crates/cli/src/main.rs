//! The `croupier` binary: arguments, environment variables, signals, and messages with hints.
//!
//! Nothing is computed here. Each file of `cmd` turns one subcommand's arguments into a call of a library crate and
//! its answer into lines for people or JSON for programs.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the program that people and scripts read")]

mod allocator;
mod args;
mod cmd;
mod failure;
mod interrupt;
mod progress;
mod report_lines;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::failure::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    allocator::keep_pages();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { failure::BAD_INPUT } else { failure::DONE });
        }
    };
    init_tracing(cli.verbose);
    abort_on_service_panics();
    let outcome = match cli.command {
        Command::Quickstart(args) => cmd::quickstart::run(args),
        Command::Train(args) => return cmd::train::run(args),
        Command::Sidecar(args) => cmd::sidecar::run(args),
        Command::Play(args) => cmd::play::run(args),
        Command::Rollout(args) => cmd::rollout::run(args),
        Command::Reward(args) => cmd::reward::run(args),
        Command::Eval(args) => cmd::eval::run(args),
        Command::Model(args) => cmd::model::run(args),
        Command::Serve(args) => cmd::serve::run(args),
        Command::Prompts(args) => cmd::prompts::run(args),
        Command::Verify(args) => cmd::verify::run(args, cli.verbose > 0),
        Command::Bench(args) => cmd::bench::run(args),
        Command::Doctor(args) => cmd::doctor::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::from(failure::DONE),
        Err(error) => Failure::from(error).print(),
    }
}

fn init_tracing(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Ends the process when a thread that is not ours panics.
///
/// burn's service threads panic on a lost device and leave the main thread with empty tensors and exit code 0
/// (spec/burn.md §2). Our own threads hand their panic over to whoever joins them.
fn abort_on_service_panics() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default();
        if !["main", "tokio", "engine", "trainer"].iter().any(|ours| name.starts_with(ours)) {
            std::process::exit(i32::from(failure::after_service_panic()));
        }
    }));
}
