//! `--dataset-type` of the text tasks: which columns hold what, and how prompts are put together.
//!
//! A key that is left out has its default; a key that is `null` has none, which is a statement of its own
//! (`"field_output": null` asks for plain completion). Keys that nobody knows are ignored: the tournament adds some.
//!
//! Source: the contract's card schemas (`core/models/dataset_models.py` of G.O.D, 2026-07).

#[cfg(test)]
mod tests;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Environments, TaskError, TaskType};

/// A parsed `--dataset-type`, by task.
#[derive(Clone, Debug, PartialEq)]
pub enum DatasetType {
    /// Instruction and output.
    Instruct(InstructType),
    /// Conversations.
    Chat(ChatType),
    /// Chosen and rejected.
    Dpo(DpoType),
    /// Prompts with reward functions.
    Grpo(GrpoType),
    /// Environments; there are no rows.
    Env(Environments),
}

impl DatasetType {
    /// Reads the card of `task_type`.
    ///
    /// # Errors
    /// [`TaskError::DatasetType`] if it is no JSON object, a field has the wrong type, or one without a default is missing.
    pub fn parse(task_type: TaskType, text: &str) -> Result<Self, TaskError> {
        Ok(match task_type {
            TaskType::InstructTextTask => Self::Instruct(fields(text)?),
            TaskType::ChatTask => Self::Chat(fields(text)?),
            TaskType::DpoTask => Self::Dpo(fields(text)?),
            TaskType::GrpoTask => Self::Grpo(GrpoType::checked(fields(text)?, text)?),
            TaskType::EnvTask => Self::Env(Environments::from_dataset_type(text)?),
            TaskType::ImageTask => return Err(bad(text, "an ImageTask has no card of columns")),
        })
    }
}

/// The columns and formats of an InstructTextTask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InstructType {
    /// System text of rows that bring none of their own.
    pub system_prompt: Option<String>,
    /// How a system text is written before the prompt.
    pub system_format: Option<String>,
    /// Column with a system text.
    pub field_system: Option<String>,
    /// Column with the instruction.
    pub field_instruction: Option<String>,
    /// Column with further input.
    pub field_input: Option<String>,
    /// Column with the response; without one, instructions are plain text to complete.
    pub field_output: Option<String>,
    /// Prompt of rows with input.
    pub format: Option<String>,
    /// Prompt of rows without input.
    pub no_input_format: Option<String>,
    /// Not used by the evaluator; kept as given.
    pub field: Option<String>,
}

impl Default for InstructType {
    fn default() -> Self {
        Self {
            system_prompt: Some(String::new()),
            system_format: Some("{system}".to_owned()),
            field_system: None,
            field_instruction: Some("instruct".to_owned()),
            field_input: None,
            field_output: Some("output".to_owned()),
            format: None,
            no_input_format: None,
            field: None,
        }
    }
}

/// The columns and the template of a ChatTask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatType {
    /// Name of a template, or Jinja; `null` is the tokenizer's own.
    pub chat_template: Option<String>,
    /// Column with the messages.
    pub chat_column: Option<String>,
    /// Key of a message's role.
    pub chat_role_field: Option<String>,
    /// Key of a message's text.
    pub chat_content_field: Option<String>,
    /// How the data call the user.
    pub chat_user_reference: Option<String>,
    /// How the data call the assistant.
    pub chat_assistant_reference: Option<String>,
}

impl Default for ChatType {
    fn default() -> Self {
        let some = |text: &str| Some(text.to_owned());
        Self {
            chat_template: some("chatml"),
            chat_column: some("conversations"),
            chat_role_field: some("from"),
            chat_content_field: some("value"),
            chat_user_reference: some("user"),
            chat_assistant_reference: some("assistant"),
        }
    }
}

/// The columns of a DpoTask. Formats are kept as given; the evaluator ignores them, and so must training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DpoType {
    /// Column with the prompt.
    pub field_prompt: Option<String>,
    /// Column with a system text.
    pub field_system: Option<String>,
    /// Column with the preferred completion.
    pub field_chosen: Option<String>,
    /// Column with the other completion.
    pub field_rejected: Option<String>,
    /// Ignored by the evaluator.
    pub prompt_format: Option<String>,
    /// Ignored by the evaluator.
    pub chosen_format: Option<String>,
    /// Ignored by the evaluator.
    pub rejected_format: Option<String>,
}

impl Default for DpoType {
    fn default() -> Self {
        let some = |text: &str| Some(text.to_owned());
        Self {
            field_prompt: some("prompt"),
            field_system: None,
            field_chosen: some("chosen"),
            field_rejected: some("rejected"),
            prompt_format: some("{prompt}"),
            chosen_format: some("{chosen}"),
            rejected_format: some("{rejected}"),
        }
    }
}

/// The columns and reward functions of a GrpoTask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrpoType {
    /// Column with the prompt.
    pub field_prompt: Option<String>,
    /// What completions are scored by, in the order given.
    pub reward_functions: Vec<RewardEntry>,
    /// Column that reward functions get as `extra_data`.
    pub extra_column: Option<String>,
}

impl Default for GrpoType {
    fn default() -> Self {
        Self { field_prompt: Some("prompt".to_owned()), reward_functions: Vec::new(), extra_column: None }
    }
}

impl GrpoType {
    fn checked(self, text: &str) -> Result<Self, TaskError> {
        if self.reward_functions.is_empty() {
            return Err(bad(text, "`reward_functions` is empty or missing"));
        }
        for (idx, entry) in self.reward_functions.iter().enumerate() {
            if !entry.reward_weight.is_finite() {
                let weight = entry.reward_weight;
                return Err(bad(text, &format!("`reward_functions[{idx}].reward_weight` is {weight}")));
            }
        }
        Ok(self)
    }
}

/// A reward function of a GrpoTask as the tournament delivers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardEntry {
    /// Id in the tournament's database.
    #[serde(default)]
    pub reward_id: Option<String>,
    /// Python source; the first callable of its namespace is the function.
    pub reward_func: String,
    /// Factor of its rewards.
    pub reward_weight: f64,
    /// Hash of the source.
    #[serde(default)]
    pub func_hash: Option<String>,
    /// Whether it comes from a stock template.
    #[serde(default)]
    pub is_generic: Option<bool>,
    /// Whether a person wrote it.
    #[serde(default)]
    pub is_manual: Option<bool>,
}

/// Reads the fields of an object, so that an error names the field.
fn fields<T: DeserializeOwned>(text: &str) -> Result<T, TaskError> {
    let card: Value = serde_json::from_str(text).map_err(|error| bad(text, &error.to_string()))?;
    if !card.is_object() {
        return Err(bad(text, "it is no JSON object"));
    }
    // Which field is at fault is not in serde's message: a field that fails alone is the one.
    T::deserialize(&card).map_err(|error| {
        let at_fault = card.as_object().into_iter().flatten().find(|(key, value)| {
            let alone = Value::from_iter([((*key).clone(), (*value).clone())]);
            T::deserialize(&alone).is_err()
        });
        match at_fault {
            Some((key, value)) => bad(text, &format!("field `{key}` is {}: {error}", excerpt(value))),
            None => bad(text, &error.to_string()),
        }
    })
}

/// A value as a message shows it.
fn excerpt(value: &Value) -> String {
    format!("`{}`", shortened(&value.to_string(), 60))
}

/// Cards hold whole Python sources: messages show their beginning.
fn shortened(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn bad(text: &str, reason: &str) -> TaskError {
    TaskError::DatasetType { text: shortened(text, 200), reason: reason.to_owned() }
}
