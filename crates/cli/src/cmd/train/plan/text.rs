//! The plan of a text task.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use schema::{DatasetType, RewardFunction, TaskType};
use serde_json::{Value, json};
use tasks::record::ROLLOUTS_FILE;
use tasks::text::{Table, TextTask};
use tasks::{BadInput, available_memory};

use super::{Asked, Common, Mode, Work, record};

/// The tournament draws KL_COEF evenly from 0.1 to 1.5.
const MIDDLE_COEF: f64 = 0.8;

/// What reading a card failed on, with an example of one.
fn bad_card(error: &schema::TaskError, kind: TaskType) -> BadInput {
    let example = match kind {
        TaskType::InstructTextTask => r#"{"field_instruction":"instruct","field_output":"output"}"#,
        TaskType::ChatTask => r#"{"chat_template":"chatml","chat_column":"conversations"}"#,
        TaskType::DpoTask => {
            r#"{"field_prompt":"prompt","field_chosen":"chosen","field_rejected":"rejected"}"#
        }
        _ => {
            r#"{"field_prompt":"prompt","reward_functions":[{"reward_func":"def f(completions, **kwargs): …","reward_weight":1.0}]}"#
        }
    };
    BadInput::new(error.to_string(), format!("--dataset-type '{example}'"))
}

pub(super) fn work(
    asked: &Asked,
    common: Common,
    kind: TaskType,
    warnings: &mut Vec<String>,
) -> Result<Work> {
    let Common { model_dir, config, device, deadline, steps } = common;
    let given = config.task.dataset_type.as_deref().unwrap_or("{}");
    let functions = &config.reward.functions;
    let card_text = match kind {
        TaskType::GrpoTask => with_rewards(given, functions)?,
        _ => given.to_owned(),
    };
    if kind != TaskType::GrpoTask && !functions.is_empty() {
        warnings.push(format!("a {kind:?} has no rewards: `{}` is not used", functions[0].path.display()));
    }
    let card = DatasetType::parse(kind, &card_text).map_err(|error| bad_card(&error, kind))?;
    let out = asked.output();
    let task = TextTask {
        dataset: dataset(asked, config.task.dataset.as_deref())?,
        kl_coef: kl_coef(kind, asked.mode, warnings)?,
        // Scratch of the contract: beside the output, not in it.
        quarantine: out.parent().map(|beside| beside.join(".tmp/quarantine.jsonl")),
        rollouts: matches!(card, DatasetType::Grpo(_)).then(|| record::folder(asked).join(ROLLOUTS_FILE)),
        base_model: asked.model.clone(),
        model_dir,
        card,
        out,
        seed: config.run.seed,
        steps,
        lr: asked.lr()?,
        eval_share: config.budget.eval_share,
        search_share: config.budget.search_share,
        memory: available_memory(&device.name),
        device: device.device,
        deadline,
        recipe: Arc::new(Table),
    };
    Ok(Work::Text(Box::new(task), card_text))
}

/// The card with the functions of `--reward` behind its own. What is no object is left to who reads cards.
fn with_rewards(card: &str, functions: &[RewardFunction]) -> Result<String> {
    let parsed = serde_json::from_str::<Value>(card);
    let (Ok(Value::Object(mut card)), false) = (parsed, functions.is_empty()) else {
        return Ok(card.to_owned());
    };
    let entries = functions.iter().map(|function| -> Result<Value, BadInput> {
        let read = super::reward_function(function)?;
        let source = read.function.source();
        Ok(json!({"reward_id": read.function.name(), "reward_func": source, "reward_weight": read.weight}))
    });
    let entries = entries.collect::<Result<Vec<Value>, BadInput>>()?;
    match card.entry("reward_functions").or_insert(Value::Null) {
        Value::Array(known) => known.extend(entries),
        none => *none = Value::Array(entries),
    }
    serde_json::to_string(&card).context("a card as JSON")
}

/// In the cache under the task's id, or the path that is given.
fn dataset(asked: &Asked, named: Option<&str>) -> Result<PathBuf, BadInput> {
    let cached = asked.layout.dataset(asked.flags.get("task-id").unwrap_or("task"));
    let given = named.map(PathBuf::from);
    if cached.is_file() {
        return Ok(cached);
    }
    if let Some(given) = given.as_ref().filter(|given| given.is_file()) {
        return Ok(given.clone());
    }
    let missing = given.map_or_else(String::new, |given| format!(", and `{}` is no file", given.display()));
    Err(BadInput::new(
        format!("there is no data set in `{}`{missing}", cached.display()),
        "--dataset FILE: a JSON array of objects, or JSON Lines",
    ))
}

/// `USE_KL` and `KL_COEF` of the container contract.
fn kl_coef(kind: TaskType, mode: Mode, warnings: &mut Vec<String>) -> Result<Option<f64>, BadInput> {
    if !std::env::var("USE_KL").is_ok_and(|value| value.trim() == "1") {
        return Ok(None);
    }
    if kind != TaskType::InstructTextTask {
        warnings.push(format!("USE_KL is set, but a {kind:?} has no KL term"));
        return Ok(None);
    }
    let text = std::env::var("KL_COEF").unwrap_or_default();
    let coef = text.trim().parse::<f64>().ok().filter(|coef| coef.is_finite() && *coef >= 0.0);
    let message = format!("KL_COEF is `{text}`");
    match (coef, mode) {
        (Some(coef), _) => Ok(Some(coef)),
        (None, Mode::Local) => Err(BadInput::new(message, "a weight, e.g. 0.5")),
        (None, Mode::Container) => {
            warnings
                .push(format!("{message}; the middle of what the tournament draws is taken: {MIDDLE_COEF}"));
            Ok(Some(MIDDLE_COEF))
        }
    }
}

pub(super) fn timeline(task: &TextTask) -> Vec<String> {
    let rewards = matches!(task.card, DatasetType::Grpo(_));
    let lr = match task.lr {
        Some(lr) => format!("lr         {lr:e}, as asked"),
        None if rewards => "lr         from the recipe's on, by how far a step moves the policy".to_owned(),
        None => format!("lr         searched in at most {:.0} % of the time", 100.0 * task.search_share),
    };
    let training = match rewards {
        true => {
            "training   by the clock; published whenever it beats the base and is not clearly worse than before"
        }
        false => "training   by the clock; published whenever it beats the base and all before it",
    };
    let closing = match rewards {
        true => "closing    the mean of the last weights",
        false => "closing    mean of the best, a last look at the rows that were chosen by",
    };
    vec![
        format!("model      {}", task.model_dir.display()),
        format!("learns     {:?} from {}", task.objective(), task.dataset.display()),
        format!("floor      an adapter that changes nothing, now, in {}", task.out.display()),
        "rows       95 % to learn from, 5 % to choose by; what cannot be used is named and left out"
            .to_owned(),
        lr,
        training.to_owned(),
        closing.to_owned(),
    ]
}
