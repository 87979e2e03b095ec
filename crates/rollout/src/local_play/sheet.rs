//! The prompt format of people: the environment's own text, answered with an action's id.

use std::sync::Arc;

use schema::Turn;

use crate::{ByteCodec, Candidate, Codec, Compact, Error, Format, Observation, Prompt};

/// See the module. Tokens are bytes: nobody reads them.
pub(super) struct Sheet {
    answers: Compact,
}

impl Default for Sheet {
    fn default() -> Self {
        Self { answers: Compact::new(Arc::new(ByteCodec)) }
    }
}

impl Format for Sheet {
    fn name(&self) -> &'static str {
        "person"
    }

    fn codec(&self) -> &dyn Codec {
        self.answers.codec()
    }

    fn render(&self, _history: &[Turn], observation: &Observation) -> Result<Prompt, Error> {
        let text = observation.text.clone();
        let tokens = self.codec().encode(&text);
        Ok(Prompt { text, tokens })
    }

    fn candidates(&self, observation: &Observation) -> Vec<Candidate> {
        self.answers.candidates(observation)
    }

    fn parse(&self, completion: &str) -> String {
        self.answers.parse(completion)
    }
}
