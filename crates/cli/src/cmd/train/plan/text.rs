//! The plan of a text task.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use schema::{DatasetType, TaskType};
use tasks::text::{Table, TextTask};
use tasks::{BadInput, available_memory};

use super::{Asked, Common, Mode, number};

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

pub(super) fn task(
    asked: &Asked,
    common: Common,
    kind: TaskType,
    warnings: &mut Vec<String>,
) -> Result<TextTask> {
    let Common { model_dir, config, device, deadline, steps } = common;
    let card = asked.flags.get("dataset-type").or(config.task.dataset_type.as_deref()).unwrap_or("{}");
    let card = DatasetType::parse(kind, card).map_err(|error| bad_card(&error, kind))?;
    let out = asked.output();
    Ok(TextTask {
        dataset: dataset(asked, config.task.dataset.as_deref())?,
        kl_coef: kl_coef(kind, asked.mode, warnings)?,
        // Scratch of the contract: beside the output, not in it.
        quarantine: out.parent().map(|beside| beside.join(".tmp/quarantine.jsonl")),
        base_model: asked.model.clone(),
        model_dir,
        card,
        out,
        seed: config.run.seed,
        steps,
        lr: number::<f64>(&asked.flags, "lr")?,
        eval_share: config.budget.eval_share,
        search_share: config.budget.search_share,
        memory: available_memory(&device.name),
        device: device.device,
        deadline,
        recipe: Arc::new(Table),
    })
}

/// In the cache under the task's id, or the path that is given.
fn dataset(asked: &Asked, from_file: Option<&str>) -> Result<PathBuf, BadInput> {
    let cached = asked.layout.dataset(asked.flags.get("task-id").unwrap_or("task"));
    let given = asked.flags.get("dataset").or(from_file).map(PathBuf::from);
    if cached.is_file() {
        return Ok(cached);
    }
    if let Some(given) = given.as_ref().filter(|given| given.is_file()) {
        return Ok(given.clone());
    }
    let named = given.map_or_else(String::new, |given| format!(", and `{}` is no file", given.display()));
    Err(BadInput::new(
        format!("there is no data set in `{}`{named}", cached.display()),
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
        None if rewards => "lr         the recipe's".to_owned(),
        None => format!("lr         searched in at most {:.0} % of the time", 100.0 * task.search_share),
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
        "training   by the clock; published whenever it beats the base and all before it".to_owned(),
        closing.to_owned(),
    ]
}
