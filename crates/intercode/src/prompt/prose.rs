//! The words of the system prompt and of the tools' descriptions, ours unless a prompt pack brings others.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{COMMAND, EXECUTE, SUBMIT};

/// Our own wording. It says what the evaluator's does.
const SYSTEM: &str = r#"You answer questions about a Linux machine, or change its files, by way of its Bash shell.
Each turn calls one tool, and a short thought before the call is welcome:
(1) execute_bash runs a command and shows you what it prints
(2) submit ends the task; what the last command printed is then your answer
Commands that are only written as text are not run.

Two examples:

Question: How many lines does /workspace/notes.txt have?
Turn 1 tool: execute_bash(command="wc -l < /workspace/notes.txt")
Observation 1: 12
Turn 2 tool: submit()

Question: Which file below /testbed is the largest?
Turn 1 tool: execute_bash(command="ls -S /testbed | first")
Observation 1: /bin/bash: line 1: first: command not found
Turn 2 tool: execute_bash(command="find /testbed -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2")
Observation 2: /testbed/logs/old.log
Turn 3 tool: submit()
"#;

/// Prose of the shell environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prose {
    /// The whole system prompt.
    pub system: String,
    /// What its tools are for.
    pub tools: ToolWords,
}

/// Descriptions of the shell environment's tools and of the parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolWords {
    /// Of the tool.
    pub execute_bash: String,
    /// Of `execute_bash`'s parameter.
    pub command: String,
    /// Of the tool.
    pub submit: String,
}

impl Prose {
    /// Our own words.
    pub fn builtin() -> Self {
        let tools = ToolWords {
            execute_bash: "Run a Bash command and see what it prints.".to_owned(),
            command: "The command.".to_owned(),
            submit: "End the task: the last observation is the answer.".to_owned(),
        };
        Self { system: SYSTEM.to_owned(), tools }
    }

    /// The two tools as a chat request names them, in the evaluator's order of tools and of keys.
    pub fn tool_schemas(&self) -> Vec<Value> {
        let words = &self.tools;
        let mut command = serde_json::Map::new();
        command.insert(COMMAND.to_owned(), json!({"type": "string", "description": words.command}));
        vec![tool(EXECUTE, &words.execute_bash, command.into()), tool(SUBMIT, &words.submit, json!({}))]
    }
}

/// A tool all of whose parameters are required.
fn tool(name: &str, description: &str, properties: Value) -> Value {
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
    let required = json!(required);
    json!({
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            },
        },
    })
}
