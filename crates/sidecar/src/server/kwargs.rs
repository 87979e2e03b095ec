//! Request bodies as Python keyword arguments, as the original takes them.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The methods of the actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Reset,
    Step,
    State,
    Stop,
    Evaluate,
}

impl Method {
    pub(super) const ALL: [Self; 5] = [Self::Reset, Self::Step, Self::State, Self::Stop, Self::Evaluate];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Step => "step",
            Self::State => "state",
            Self::Stop => "stop",
            Self::Evaluate => "evaluate",
        }
    }

    /// Names in order, and those among them without a default.
    fn parameters(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Reset => {
                (&["task_id", "seed", "opponent", "mcts_max_simulations", "mcts_num_rollouts"], &[])
            }
            Self::Step => (&["action", "episode_id"], &["action"]),
            Self::State | Self::Stop => (&["episode_id"], &[]),
            Self::Evaluate => (
                &[
                    "task_id",
                    "seed",
                    "model",
                    "base_url",
                    "timeout",
                    "temperature",
                    "api_key",
                    "opponent",
                    "mcts_max_simulations",
                    "mcts_num_rollouts",
                ],
                &["model", "base_url"],
            ),
        }
    }

    /// As Python prints it.
    pub(super) fn signature(self) -> String {
        let (names, required) = self.parameters();
        let all: Vec<String> = names
            .iter()
            .map(|name| if required.contains(name) { (*name).to_owned() } else { format!("{name}=None") })
            .collect();
        format!("({})", all.join(", "))
    }
}

/// Fields of a step; the id is asked for by the game, not by the signature.
#[derive(Debug, Deserialize)]
pub(super) struct StepKwargs {
    pub(super) action: String,
    #[serde(default)]
    pub(super) episode_id: Option<String>,
}

/// Fields of `state` and `stop`.
#[derive(Debug, Deserialize)]
pub(super) struct EpisodeKwargs {
    #[serde(default)]
    pub(super) episode_id: Option<String>,
}

/// Arguments of a call before they are matched with parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Arguments {
    pub(super) args: Vec<Value>,
    pub(super) kwargs: Map<String, Value>,
}

impl Arguments {
    /// Reads the body of `POST /{method}`: nothing where nothing can be read, the explicit form where `args` or
    /// `kwargs` is there, else all fields are keywords.
    pub(super) fn from_body(body: &[u8]) -> Self {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
            return Self::default();
        };
        if !fields.contains_key("args") && !fields.contains_key("kwargs") {
            return Self { args: Vec::new(), kwargs: fields };
        }
        let args = fields.remove("args").and_then(|args| args.as_array().cloned()).unwrap_or_default();
        let kwargs = match fields.remove("kwargs") {
            Some(Value::Object(kwargs)) => kwargs,
            _ => Map::new(),
        };
        Self { args, kwargs }
    }

    /// Matches arguments with the parameters of `method`.
    ///
    /// # Errors
    /// What Python's TypeError says.
    pub(super) fn bind<T: DeserializeOwned>(self, method: Method) -> Result<T, String> {
        let name = format!("Actor.{}()", method.name());
        let (parameters, required) = method.parameters();
        if self.args.len() > parameters.len() {
            let (takes, given) = (parameters.len() + 1, self.args.len() + 1);
            return Err(format!("{name} takes {takes} positional arguments but {given} were given"));
        }
        let mut bound: Map<String, Value> =
            parameters.iter().map(|&key| key.to_owned()).zip(self.args).collect();
        for (key, value) in self.kwargs {
            if !parameters.contains(&key.as_str()) {
                return Err(format!("{name} got an unexpected keyword argument '{key}'"));
            }
            if bound.contains_key(&key) {
                return Err(format!("{name} got multiple values for argument '{key}'"));
            }
            bound.insert(key, value);
        }
        if let Some(missing) = required.iter().find(|&&key| !bound.contains_key(key)) {
            return Err(format!("{name} missing 1 required positional argument: '{missing}'"));
        }
        serde_json::from_value(Value::Object(bound))
            .map_err(|error| format!("{name} got a wrong value: {error}"))
    }
}

/// Body of `POST /call`.
#[derive(Debug)]
pub(super) struct CallBody {
    pub(super) method: String,
    pub(super) arguments: Arguments,
}

impl CallBody {
    /// Reads the body.
    ///
    /// # Errors
    /// The `detail` of the answer 422, in FastAPI's form.
    pub(super) fn from_body(body: &[u8]) -> Result<Self, Value> {
        let mut fields = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => {
                return Err(problem(
                    "model_attributes_type",
                    &["body"],
                    "Input should be a valid dictionary",
                ));
            }
            Err(error) => {
                return Err(problem("json_invalid", &["body"], &format!("JSON decode error: {error}")));
            }
        };
        let method = match fields.remove("method") {
            Some(Value::String(method)) => method,
            None => return Err(problem("missing", &["body", "method"], "Field required")),
            Some(_) => {
                return Err(problem("string_type", &["body", "method"], "Input should be a valid string"));
            }
        };
        let args = match fields.remove("args") {
            Some(Value::Array(args)) => args,
            None => Vec::new(),
            Some(_) => {
                return Err(problem("list_type", &["body", "args"], "Input should be a valid list"));
            }
        };
        let kwargs = match fields.remove("kwargs") {
            Some(Value::Object(kwargs)) => kwargs,
            None => Map::new(),
            Some(_) => {
                return Err(problem("dict_type", &["body", "kwargs"], "Input should be a valid dictionary"));
            }
        };
        Ok(Self { method, arguments: Arguments { args, kwargs } })
    }
}

fn problem(kind: &str, location: &[&str], message: &str) -> Value {
    serde_json::json!([{ "type": kind, "loc": location, "msg": message }])
}

#[cfg(test)]
mod tests;
