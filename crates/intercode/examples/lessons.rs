//! Prints lessons of the shell environment: `cargo run -p intercode --example lessons -- [seed] [n] [tier]`.
//!
//! For people who change templates: what a seed's tasks look like, which are no lesson here, and what they cost.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Instant;

use intercode::{Sandbox, SandboxConfig, Tier, prompt, tasks, teacher};

fn main() -> Result<(), intercode::Error> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seed, n_tasks, tier) = (number(1), number(200), number(2));
    let mut config = SandboxConfig::new(std::env::temp_dir());
    config.strongest = [Tier::TrustedOnly, Tier::Landlock, Tier::Namespaces][tier.min(2) as usize];
    let sandbox = Sandbox::new(config)?;
    println!("{}", sandbox.isolation());
    let started = Instant::now();
    let lessons = teacher::lessons(&sandbox, seed, n_tasks, NonZeroUsize::MIN.saturating_add(1))?;
    let seconds = started.elapsed().as_secs_f64();
    let mut missing: BTreeMap<&str, u32> = BTreeMap::new();
    for id in (0..n_tasks).filter(|id| lessons.iter().all(|lesson| lesson.task_id != *id)) {
        *missing.entry(tasks::task(seed, id).template).or_default() += 1;
    }
    println!("{} lessons of {n_tasks} tasks in {seconds:.2} s; none of: {missing:?}", lessons.len());
    let idle = teacher::benchmark(&sandbox, seed, n_tasks, NonZeroUsize::MIN, &teacher::no_op)?;
    let mean = idle.iter().map(|reward| reward.total).sum::<f64>() / idle.len().max(1) as f64;
    println!("submitting at once: {mean:.3} on average");
    for lesson in lessons.iter().take(12) {
        for turn in &lesson.turns {
            println!(
                "--- {} {}\n{}",
                lesson.task_id,
                lesson.template,
                prompt::user_message(&lesson.question, &turn.history)
            );
            println!(">>> {:?}", turn.call);
        }
    }
    Ok(())
}
