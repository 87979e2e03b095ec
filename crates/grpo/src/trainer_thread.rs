//! The thread that owns the trainer: async code talks to it by commands with a reply.

use std::thread::JoinHandle;

use model::LanguageModel;
use rollout::Group;
use tokio::sync::{mpsc, oneshot};
use tracing::Span;
use train::{Progress, StepReport};

use crate::{Error, GrpoTrainer};

/// A step at a time is all that anyone asks for.
const QUEUE: usize = 1;

/// A handle on the trainer's thread. The thread ends when it is dropped or [`TrainerHandle::finish`]ed.
#[derive(Debug)]
pub struct TrainerHandle {
    commands: mpsc::Sender<Command>,
    thread: JoinHandle<GrpoTrainer>,
}

/// What a step gives back.
#[derive(Debug)]
pub struct Trained {
    /// The groups that were trained on.
    pub groups: Vec<Group>,
    /// Figures.
    pub report: StepReport,
    /// The new weights, shared with the trainer, not copied.
    pub model: LanguageModel,
    /// What the run would hand over now ([`GrpoTrainer::averaged`]).
    pub averaged: LanguageModel,
    /// Their version.
    pub version: u64,
}

#[derive(Debug)]
struct Command {
    groups: Vec<Group>,
    progress: Progress,
    reply: oneshot::Sender<Result<Trained, Error>>,
    span: Span,
}

impl TrainerHandle {
    /// Moves a trainer onto a thread of its own.
    ///
    /// # Panics
    /// If the operating system cannot start a thread.
    pub fn spawn(mut trainer: GrpoTrainer) -> Self {
        let (commands, mut inbox) = mpsc::channel::<Command>(QUEUE);
        let serve = move || {
            while let Some(Command { groups, progress, reply, span }) = inbox.blocking_recv() {
                let trained = span.in_scope(|| step(&mut trainer, groups, progress));
                // Whoever asked may have gone; the step has been taken all the same.
                let _ = reply.send(trained);
            }
            trainer
        };
        let thread = std::thread::Builder::new().name("trainer".to_owned()).spawn(serve);
        Self { commands, thread: thread.expect("a thread can be started at startup") }
    }

    /// One optimizer step on `groups`.
    ///
    /// Not cancel safe: after a drop the step is taken or not, and its groups are lost.
    ///
    /// # Errors
    /// As [`GrpoTrainer::step`], or [`Error::TrainerStopped`].
    pub async fn step(&self, groups: Vec<Group>, progress: Progress) -> Result<Trained, Error> {
        let (reply, answer) = oneshot::channel();
        let command = Command { groups, progress, reply, span: Span::current() };
        self.commands.send(command).await.map_err(|_| Error::TrainerStopped)?;
        answer.await.map_err(|_| Error::TrainerStopped)?
    }

    /// Ends the thread and takes the trainer back; waits for a step that is being taken.
    ///
    /// # Errors
    /// [`Error::TrainerStopped`] if the thread has panicked.
    pub fn finish(self) -> Result<GrpoTrainer, Error> {
        drop(self.commands);
        self.thread.join().map_err(|_| Error::TrainerStopped)
    }
}

fn step(trainer: &mut GrpoTrainer, groups: Vec<Group>, progress: Progress) -> Result<Trained, Error> {
    let report = trainer.step(&groups, progress)?;
    let (model, averaged) = (trainer.model().clone(), trainer.averaged());
    Ok(Trained { groups, report, model, averaged, version: trainer.version() })
}
