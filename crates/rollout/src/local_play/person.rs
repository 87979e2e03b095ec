//! A person as a policy: shown the state, asked until the answer is a legal action.

use std::fmt::Write;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::words::{Word, understand};
use super::{Advice, Advisor, Console};
use crate::observation::{parse_observation, without_rules};
use crate::scripted::certain;
use crate::{Completion, Observation, Policy, PolicyError, Request};

const HELP: &str = "\
Type an action's id, or its text or enough of it to tell it from the others.
  hint    what others would play here
  rules   the rules of the game
  help    this text
  quit    leave the table
";
const PROMPT: &str = "> ";
/// Width of the bar that stands for certainty.
const BAR: f64 = 30.0;
/// Of a long list of hints, the best are shown.
const SHOWN: usize = 12;

/// See the module.
pub(super) struct Person {
    console: Console,
    advisors: Vec<Arc<dyn Advisor>>,
    /// Cancelled when the person leaves.
    left: CancellationToken,
}

impl Person {
    pub(super) fn new(console: Console, advisors: Vec<Arc<dyn Advisor>>, left: CancellationToken) -> Self {
        Self { console, advisors, left }
    }

    /// The id of a legal action; `None` if the person leaves.
    async fn choose(&self, observation: &Observation) -> Option<u32> {
        let mut said = shown(observation);
        loop {
            said += PROMPT;
            let line = self.console.ask(std::mem::take(&mut said)).await?;
            match understand(&line, &observation.legal) {
                Word::Action(id) => return Some(id),
                Word::Hint => said = self.hints(observation).await,
                Word::Help => said = HELP.to_owned(),
                Word::Rules => {
                    let rules = sidecar::text::rules::of(&observation.game);
                    said = if rules.is_empty() {
                        "There are none here.\n".to_owned()
                    } else {
                        format!("{rules}\n")
                    };
                }
                Word::Quit => return None,
                Word::Unclear(why) => said = format!("{why}\n"),
            }
        }
    }

    async fn hints(&self, observation: &Observation) -> String {
        let mut text = String::new();
        for advisor in &self.advisors {
            let name = advisor.name();
            match advisor.advise(observation).await {
                Ok(Some(advice)) => text += &table(&name, &advice, observation),
                Ok(None) => {}
                Err(error) => text += &format!("{name} does not answer: {error}\n"),
            }
        }
        if text.is_empty() {
            text += "Nobody here knows this position.\n";
        }
        text
    }
}

impl Policy for Person {
    fn name(&self) -> String {
        "person".to_owned()
    }

    fn generate(&self, request: Request) -> BoxFuture<'_, Result<Completion, PolicyError>> {
        async move {
            let observation = parse_observation(request.text.clone());
            let chosen = self.choose(&observation).await;
            let candidate = request.candidates.iter().find(|one| Some(one.action_id) == chosen);
            match candidate {
                Some(candidate) => Ok(certain(&request, &candidate.tokens)),
                None => {
                    // The episode ends as cancelled, and drops this future.
                    self.left.cancel();
                    std::future::pending().await
                }
            }
        }
        .boxed()
    }
}

/// The state as the environment tells it, without the rules and without its own request for an answer.
fn shown(observation: &Observation) -> String {
    let body = without_rules(&observation.text);
    let end = body.rfind("\n\nYour choice").unwrap_or(body.len());
    format!("\n{}\n", body[..end].trim_end())
}

/// What one advisor says, the likeliest first.
fn table(name: &str, advice: &Advice, observation: &Observation) -> String {
    let mut rows: Vec<_> = advice.probabilities().into_iter().zip(&observation.legal).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut text = format!("{name}:\n");
    for (probability, (id, action)) in rows.iter().take(SHOWN) {
        let bar = "#".repeat((probability * BAR).round() as usize);
        let row = format!("  {:5.1} %  {id:>3} {action}  {bar}", probability * 100.0);
        writeln!(text, "{}", row.trim_end()).expect("a String takes any text");
    }
    if rows.len() > SHOWN {
        writeln!(text, "  … and {} more", rows.len() - SHOWN).expect("a String takes any text");
    }
    text
}
