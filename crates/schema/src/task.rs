//! What is asked of a run: task types, environments, chat messages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A task card that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// Not one of the tags of the contract.
    #[error("task type `{0}` is not known")]
    UnknownTaskType(String),
    /// `--dataset-type` is no JSON object or lacks what the task needs.
    #[error("dataset type `{text}` cannot be read: {reason}")]
    DatasetType {
        /// As given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl TaskError {
    /// What to give instead.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UnknownTaskType(_) => {
                "one of EnvTask, GrpoTask, InstructTextTask, ChatTask, DpoTask, ImageTask"
            }
            Self::DatasetType { .. } => {
                "a JSON object with the fields of the task type, e.g. {\"field_instruction\":\"instruct\",\"field_output\":\"output\"}"
            }
        }
    }
}

/// The tag of `--task-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskType {
    /// Games and InterCode.
    EnvTask,
    /// Prompts with Python reward functions.
    GrpoTask,
    /// Instruction and output.
    InstructTextTask,
    /// Conversations.
    ChatTask,
    /// Chosen and rejected.
    DpoTask,
    /// Image LoRA.
    ImageTask,
}

impl FromStr for TaskType {
    type Err = TaskError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "EnvTask" => Self::EnvTask,
            "GrpoTask" => Self::GrpoTask,
            "InstructTextTask" => Self::InstructTextTask,
            "ChatTask" => Self::ChatTask,
            "DpoTask" => Self::DpoTask,
            "ImageTask" => Self::ImageTask,
            _ => return Err(TaskError::UnknownTaskType(text.to_owned())),
        })
    }
}

/// An environment that Croupier knows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvName {
    /// Two players, five dice.
    LiarsDice,
    /// Two players, six cards.
    LeducPoker,
    /// Nine variants.
    GinRummy,
    /// Three cards; an extension of our mock sidecar.
    KuhnPoker,
    /// Bash tasks.
    Intercode,
    /// 8 × 8 squares.
    Othello,
    /// Three sizes of board; match play has others.
    Clobber,
    /// Bids at once, five sizes of hand; match play has others.
    Goofspiel,
}

impl EnvName {
    /// All names, in the order of the sidecar's game index.
    pub const ALL: [Self; 8] = [
        Self::Goofspiel,
        Self::LiarsDice,
        Self::LeducPoker,
        Self::GinRummy,
        Self::Othello,
        Self::Clobber,
        Self::KuhnPoker,
        Self::Intercode,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LiarsDice => "liars_dice",
            Self::LeducPoker => "leduc_poker",
            Self::GinRummy => "gin_rummy",
            Self::KuhnPoker => "kuhn_poker",
            Self::Intercode => "intercode",
            Self::Othello => "othello",
            Self::Clobber => "clobber",
            Self::Goofspiel => "goofspiel",
        }
    }

    /// Task ids that select this game on a sidecar; `None` for InterCode, which is no game.
    pub fn task_ids(self) -> Option<std::ops::Range<u64>> {
        const SPAN: u64 = 100_000_000;
        let index = match self {
            Self::Goofspiel => 0,
            Self::LiarsDice => 1,
            Self::LeducPoker => 2,
            Self::GinRummy => 3,
            Self::Othello => 4,
            Self::Clobber => 7,
            Self::KuhnPoker => 1000,
            Self::Intercode => return None,
        };
        Some(index * SPAN..(index + 1) * SPAN)
    }

    /// Task ids of episodes on a sidecar that serves this environment. Those of InterCode lie among goofspiel's: where
    /// both are served, they are InterCode's.
    pub fn start_ids(self) -> std::ops::Range<u64> {
        /// The evaluator's tasks, counted from 1.
        const INTERCODE_TASKS: std::ops::Range<u64> = 1..201;
        self.task_ids().unwrap_or(INTERCODE_TASKS)
    }

    /// Half the width of the utility range: `return = (2·score − 1) · half_range`.
    pub fn half_range(self) -> f64 {
        match self {
            Self::LiarsDice | Self::Othello | Self::Clobber | Self::Goofspiel => 1.0,
            Self::LeducPoker => 13.0,
            Self::GinRummy => 123.0,
            Self::KuhnPoker => 2.0,
            Self::Intercode => 0.5,
        }
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EnvName {
    type Err = TaskError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| TaskError::DatasetType {
            text: text.to_owned(),
            reason: "no such environment".to_owned(),
        })
    }
}

/// The environments of an EnvTask, known and unknown apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environments {
    /// In the order given, without repeats.
    pub known: Vec<EnvName>,
    /// Names that nothing here can play.
    pub unknown: Vec<String>,
}

impl Environments {
    /// Reads `--dataset-type` of an EnvTask: `environment_names` (list or string), or the older `environment_name`.
    ///
    /// # Errors
    /// [`TaskError::DatasetType`] if it is no JSON object or names no environment at all.
    pub fn from_dataset_type(text: &str) -> Result<Self, TaskError> {
        let bad = |reason: String| TaskError::DatasetType { text: text.to_owned(), reason };
        let card: serde_json::Value = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
        let names = ["environment_names", "environment_name"]
            .iter()
            .find_map(|key| card.get(key).filter(|v| !v.is_null()));
        let names: Vec<String> = match names {
            Some(serde_json::Value::String(one)) => {
                one.split(',').map(|name| name.trim().to_owned()).collect()
            }
            Some(serde_json::Value::Array(many)) => {
                many.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
            }
            _ => return Err(bad("it has no `environment_names`".to_owned())),
        };
        Ok(Self::from_names(names.iter().map(String::as_str)))
    }

    /// Sorts names into known and unknown.
    pub fn from_names<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut sorted = Self::default();
        for name in names.filter(|name| !name.is_empty()) {
            match name.parse::<EnvName>() {
                Ok(env) if !sorted.known.contains(&env) => sorted.known.push(env),
                Ok(_) => {}
                Err(_) => sorted.unknown.push(name.to_owned()),
            }
        }
        sorted
    }
}

/// Who says a [`Message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions.
    System,
    /// The environment or a person.
    User,
    /// The policy.
    Assistant,
}

/// One chat message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who.
    pub role: Role,
    /// What.
    pub content: String,
}

impl Message {
    /// A message.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}
