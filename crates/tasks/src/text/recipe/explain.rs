//! Why a recipe decides as it does: the row of the table, the numbers that went in, the decision that came out.

use train::{Activations, StepMemory};

use super::{
    ADAPTER_FACTOR, FULL_DPO_UP_TO, FULL_UP_TO, Facts, Method, ObjectiveKind, RATES, Recipe, Table, USABLE,
    rates,
};

/// The decisions of `recipe` about `facts`, in lines for people. What a recipe decides otherwise than [`Table`] is said
/// to be its own.
pub fn explain(recipe: &dyn Recipe, facts: &Facts<'_>) -> Vec<String> {
    let method = recipe.method(facts);
    let mut lines = vec![
        format!(
            "numbers    model_type {}, {}, {} of memory, {} for {:?}",
            facts.config.arch.model_type(),
            parameters(facts.config.n_params() as f64),
            gibibytes(facts.memory),
            rows(facts),
            facts.objective,
        ),
        format!("method     {method}"),
    ];
    lines.extend(own(method == Table.method(facts)));
    lines.extend(why_method(facts));
    lines.extend(rank_cut(facts, method));
    lines.push("precision  f32 for weights, gradients, moments and products".to_owned());
    lines.push("           row: one, for every model_type, size and device; a whole model is published in its base's type".to_owned());
    let batch = recipe.batch(facts);
    lines.push(format!("batch      up to {batch} examples a step, fewer where a step takes too long"));
    lines.extend(own(batch == Table.batch(facts)));
    lines.push(format!(
        "           row: {}, every size; at most {} tokens at once",
        kind(facts),
        at_once(facts, method)
    ));
    let lr = recipe.learning_rate(facts, method);
    lines.push(format!("lr         {lr:.3e}"));
    lines.extend(own(lr == Table.learning_rate(facts, method)));
    lines.extend(why_rate(facts, method));
    lines
}

/// A line about a decision that is not the table's.
fn own(is_of_table: bool) -> Option<String> {
    (!is_of_table).then(|| "           by the recipe itself, not by the row below".to_owned())
}

/// What becomes of a rank that is more than the model's width has use for.
fn rank_cut(facts: &Facts<'_>, method: Method) -> Option<String> {
    let Method::Lora { rank, .. } = method else { return None };
    let most = (facts.config.hidden_size / 2).max(1);
    (rank > most).then(|| format!("           rank {most} here: half of the width is enough for every map"))
}

fn why_method(facts: &Facts<'_>) -> Vec<String> {
    let n_params = facts.config.n_params();
    let (bound, reason) = match facts.objective {
        ObjectiveKind::Sft => (FULL_UP_TO, "responses"),
        ObjectiveKind::Dpo => (FULL_DPO_UP_TO, "preferences"),
        ObjectiveKind::Grpo => (FULL_DPO_UP_TO, "rewards"),
        ObjectiveKind::SftWithKl(_) => {
            return vec![
                "           row: an adapter, so that the base is the model without it, at no cost".to_owned(),
            ];
        }
    };
    let row = format!("           row: {reason}, every weight up to {} if a step fits", parameters(bound));
    if n_params as f64 > bound {
        return vec![row, format!("           {} are more", parameters(n_params as f64))];
    }
    let step = StepMemory::estimate(facts.config, 4, n_params, Activations::Kept);
    let copies = 2 * 4 * n_params as u64;
    let fixed = step.weights + step.optimizer + copies;
    let usable = (USABLE * facts.memory as f64) as u64;
    let room = step.token_budget(usable.saturating_sub(copies)).unwrap_or(0);
    let comparison = if room >= facts.longest { "enough" } else { "too few" };
    vec![
        row,
        format!(
            "           weights, gradients, moments and two copies take {} of {} ({:.0} % of the memory)",
            gibibytes(fixed),
            gibibytes(usable),
            100.0 * USABLE
        ),
        format!("           that leaves room for {room} tokens at once, {comparison} for {}", facts.longest),
    ]
}

fn why_rate(facts: &Facts<'_>, method: Method) -> Vec<String> {
    let (up_to, [full, adapter, dpo, grpo]) = rates(facts.config);
    let below = RATES.iter().map(|(up_to, _)| *up_to).take_while(|bound| *bound < up_to).last();
    let range = match (below, up_to.is_finite()) {
        (_, true) => format!("up to {up_to} billion parameters"),
        (below, false) => format!("above {} billion parameters", below.unwrap_or_default()),
    };
    let row = format!(
        "           row: {range}: {full:.2e} whole, {adapter:.2e} adapter, {dpo:.2e} preferences, {grpo:.2e} rewards"
    );
    let times = matches!(facts.objective, ObjectiveKind::Dpo | ObjectiveKind::Grpo) && method != Method::Full;
    let factor = format!("           times {ADAPTER_FACTOR}, because an adapter learns");
    let after = match facts.objective {
        ObjectiveKind::Grpo => {
            "           where it begins: it follows from how far each step moves the policy"
        }
        _ => {
            "           the search begins here, if the clock allows one; at 1e-3 or more for a base that knows no language yet"
        }
    };
    let mut lines = vec![row];
    lines.extend(times.then_some(factor));
    lines.push(after.to_owned());
    lines
}

fn kind(facts: &Facts<'_>) -> &'static str {
    match facts.objective {
        ObjectiveKind::Sft => "instruct and chat",
        ObjectiveKind::SftWithKl(_) => "instruct with KL",
        ObjectiveKind::Dpo => "pairs",
        ObjectiveKind::Grpo => "completions",
    }
}

/// Tokens of a micro-batch with every weight trained; an adapter has at least that room.
fn at_once(facts: &Facts<'_>, method: Method) -> usize {
    let n_trained = if method == Method::Full { facts.config.n_params() } else { 0 };
    let usable = (USABLE * facts.memory as f64) as u64;
    let copies = if method == Method::Full { 2 * 4 * n_trained as u64 } else { 0 };
    let step = StepMemory::estimate(facts.config, 4, n_trained, Activations::Kept);
    step.token_budget(usable.saturating_sub(copies)).unwrap_or(0).clamp(1, crate::text::TOKEN_BUDGET)
}

fn rows(facts: &Facts<'_>) -> String {
    match facts.n_examples {
        0 => format!("rows of up to {} tokens", facts.longest),
        n => format!("{n} rows of up to {} tokens", facts.longest),
    }
}

fn parameters(n: f64) -> String {
    if n >= 1e9 {
        format!("{:.2} billion parameters", n / 1e9)
    } else {
        format!("{:.2} million parameters", n / 1e6)
    }
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.2} GiB", bytes as f64 / f64::from(1 << 30))
}
