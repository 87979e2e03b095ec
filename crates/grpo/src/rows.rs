//! Trajectories to rows: every turn is a prompt with its completion.

use rollout::Group;
use schema::{Trajectory, Turn};
use train::Row;

use crate::Error;
use crate::advantage::{
    AdvantageKind, RoleBaselines, batch_std_advantages, group_advantages, group_std_advantages,
    is_zero_signal, leave_one_out_advantages,
};

/// The rows of a trajectory; its advantage is every token's. Turns without a token to learn from give none.
///
/// # Errors
/// [`Error::Trajectory`] if the record contradicts itself, or was drawn from a distribution that training cannot
/// compute (top-k, top-p).
pub fn trajectory_rows(trajectory: &Trajectory, advantage: f32) -> Result<Vec<Row>, Error> {
    let sampling = &trajectory.sampling;
    if sampling.top_k != 0 || sampling.top_p < 1.0 {
        let reason = format!("drawn with top_k {} and top_p {}", sampling.top_k, sampling.top_p);
        return Err(Error::Trajectory { id: trajectory.id.clone(), reason });
    }
    let learnt = trajectory.turns.iter().filter(|turn| turn.loss_mask.contains(&1));
    learnt
        .map(|turn| {
            check(turn).map_err(|reason| Error::Trajectory { id: trajectory.id.clone(), reason })?;
            Ok(Row::new(turn.prompt_tokens.clone(), turn.completion_tokens.clone())
                .with_loss_mask(turn.loss_mask.clone())
                .with_old_logprobs(turn.logprobs.clone())
                .with_allowed_tokens(turn.allowed_tokens.clone())
                .with_advantage(advantage))
        })
        .collect()
}

/// Why a turn cannot be trained on, if it cannot.
fn check(turn: &Turn) -> Result<(), String> {
    let n = turn.completion_tokens.len();
    if turn.prompt_tokens.is_empty() {
        return Err("a turn without prompt tokens".to_owned());
    }
    let restricted = !turn.allowed_tokens.is_empty();
    if turn.logprobs.len() != n || turn.loss_mask.len() != n || (restricted && turn.allowed_tokens.len() != n)
    {
        return Err(format!("lists of {n} completion tokens differ in length"));
    }
    if turn.logprobs.iter().any(|logprob| !logprob.is_finite()) {
        return Err("a log-prob that is not finite".to_owned());
    }
    let outside = turn
        .allowed_tokens
        .iter()
        .zip(&turn.completion_tokens)
        .zip(&turn.loss_mask)
        .find(|((allowed, token), mask)| **mask != 0 && !allowed.is_empty() && !allowed.contains(token));
    match outside {
        Some(((_, token), _)) => Err(format!("token {token} was not allowed where it was drawn")),
        None => Ok(()),
    }
}

/// Rewards of the scored members of a group.
pub fn group_rewards(group: &Group) -> Vec<f32> {
    group.members().map(|trajectory| trajectory.reward as f32).collect()
}

/// True if a group's members all got the same reward.
pub fn group_is_zero_signal(group: &Group) -> bool {
    is_zero_signal(&group_rewards(group))
}

/// Advantages of the scored members of each group.
pub fn advantages_of(groups: &[Group], kind: AdvantageKind, baselines: &mut RoleBaselines) -> Vec<Vec<f32>> {
    let rewards: Vec<Vec<f32>> = groups.iter().map(group_rewards).collect();
    let per_group = |of: fn(&[f32]) -> Vec<f32>| rewards.iter().map(|rewards| of(rewards)).collect();
    match kind {
        AdvantageKind::Group => per_group(group_advantages),
        AdvantageKind::GroupStd => per_group(group_std_advantages),
        AdvantageKind::LeaveOneOut => per_group(leave_one_out_advantages),
        AdvantageKind::BatchStd => batch_std_advantages(&rewards),
        AdvantageKind::RoleMean => {
            let mut of =
                |trajectory: &Trajectory| baselines.advantage(&role(trajectory), trajectory.reward as f32);
            groups.iter().map(|group| group.members().map(&mut of).collect()).collect()
        }
    }
}

/// The game and the seat: what a running mean is kept for. Deals differ by task id, and their mean is what is wanted.
fn role(trajectory: &Trajectory) -> String {
    let seat = trajectory.player.map_or_else(|| "?".to_owned(), |seat| seat.to_string());
    format!("{}/{seat}", trajectory.env)
}

#[cfg(test)]
mod tests;
