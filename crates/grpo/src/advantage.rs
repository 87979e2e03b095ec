//! Advantages: what a reward is worth against its group or role. Pure functions on slices.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::Error;

/// Added to a standard deviation before dividing by it (TRL's 1e-4).
const STD_EPSILON: f32 = 1e-4;

/// Rewards of a group that spread less than this teach nothing.
const ZERO_SIGNAL: f32 = 1e-6;

/// Which baseline and scale, as named in `[objective] advantages`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvantageKind {
    /// [`group_advantages`]
    Group,
    /// [`group_std_advantages`]
    GroupStd,
    /// [`batch_std_advantages`]
    BatchStd,
    /// [`leave_one_out_advantages`]
    LeaveOneOut,
    /// [`RoleBaselines`]
    RoleMean,
}

impl FromStr for AdvantageKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "group" => Self::Group,
            "group_std" => Self::GroupStd,
            "batch_std" => Self::BatchStd,
            "leave_one_out" => Self::LeaveOneOut,
            "role_mean" => Self::RoleMean,
            _ => {
                let expected = "group, group_std, batch_std, leave_one_out or role_mean";
                return Err(Error::UnknownName { what: "advantages", value: text.to_owned(), expected });
            }
        })
    }
}

/// Group-relative advantages: `reward − mean(group)`, not divided by the standard deviation.
///
/// # Shapes
/// `[G]`, any scale → `[G]`, sums to 0 (± 1e-6 of the scale).
///
/// # Source
/// Dr. GRPO, arXiv 2503.20783 §3; TRL `scale_rewards = "none"`.
pub fn group_advantages(rewards: &[f32]) -> Vec<f32> {
    let mean = mean(rewards);
    rewards.iter().map(|reward| reward - mean).collect()
}

/// Group-relative advantages in standard deviations of the group (Bessel's correction).
///
/// # Source
/// GRPO, arXiv 2402.03300 §4.1.2; TRL `scale_rewards = "group"`.
pub fn group_std_advantages(rewards: &[f32]) -> Vec<f32> {
    let scale = sample_std(rewards) + STD_EPSILON;
    group_advantages(rewards).into_iter().map(|advantage| advantage / scale).collect()
}

/// Group-relative advantages in standard deviations of all rewards of the step (Bessel's correction).
///
/// A group whose rewards hardly differ is not blown up to the size of the others.
///
/// # Source
/// TRL `scale_rewards = "batch"`; arXiv 2508.08221.
pub fn batch_std_advantages(groups: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let scale = sample_std(&groups.concat()) + STD_EPSILON;
    let scaled = |rewards: &Vec<f32>| {
        group_advantages(rewards).into_iter().map(|advantage| advantage / scale).collect()
    };
    groups.iter().map(scaled).collect()
}

/// `reward − mean of the others`; 0 for a group of one.
///
/// # Source
/// RLOO, arXiv 2402.14740 §3: [`group_advantages`] times `G / (G − 1)`, so the baseline does not know the reward.
pub fn leave_one_out_advantages(rewards: &[f32]) -> Vec<f32> {
    let n = rewards.len() as f32;
    let factor = if rewards.len() > 1 { n / (n - 1.0) } else { 0.0 };
    group_advantages(rewards).into_iter().map(|advantage| advantage * factor).collect()
}

/// Running mean reward of each role (game and seat): the baseline of self-play, where both seats of a zero-sum game sit
/// in one group and a group mean would credit the first mover's edge for ever.
///
/// # Source
/// Role-conditioned advantage estimation: SPIRAL, arXiv 2506.24119 §3.3.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleBaselines {
    decay: f32,
    means: BTreeMap<String, f32>,
}

impl RoleBaselines {
    /// Baselines that start at 0 and keep `decay` of themselves at every reward.
    pub fn new(decay: f32) -> Self {
        Self { decay, means: BTreeMap::new() }
    }

    /// `reward − baseline(role)`, after the baseline has moved towards the reward.
    pub fn advantage(&mut self, role: &str, reward: f32) -> f32 {
        let mean = self.means.entry(role.to_owned()).or_insert(0.0);
        *mean = self.decay * *mean + (1.0 - self.decay) * reward;
        reward - *mean
    }

    /// The baseline of a role, if it has been played.
    pub fn baseline(&self, role: &str) -> Option<f32> {
        self.means.get(role).copied()
    }
}

impl Default for RoleBaselines {
    /// Decay 0.95, as in SPIRAL.
    fn default() -> Self {
        Self::new(0.95)
    }
}

/// True if all rewards of a group are alike, so that no group-relative advantage differs from 0.
pub fn is_zero_signal(rewards: &[f32]) -> bool {
    let (low, high) = rewards.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), reward| {
        (low.min(*reward), high.max(*reward))
    });
    rewards.is_empty() || high - low < ZERO_SIGNAL
}

fn mean(values: &[f32]) -> f32 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f32>() / values.len() as f32 }
}

/// Standard deviation with Bessel's correction; 0 below two values.
fn sample_std(values: &[f32]) -> f32 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    let squares: f32 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f32).sqrt()
}

#[cfg(test)]
mod tests;
