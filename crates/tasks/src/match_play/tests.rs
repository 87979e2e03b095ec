use std::sync::Mutex;
use std::time::{Duration, Instant};

use model::{Arch, Size};
use schema::ArtifactKind;

use super::course::{Tellings, due_exams};
use super::lessons::Telling;
use super::mounted::Mounted;
use super::*;
use crate::text::{Method, Table};
use crate::{holds_artifact, new_model};

fn task(dir: &Path, envs: Vec<EnvName>) -> MatchTask {
    // Words enough for the prompts to be short.
    new_model(&dir.join("base"), Arch::Qwen2, Size::Nano, Some(4096), 0).unwrap();
    MatchTask {
        model_dir: dir.join("base"),
        base_model: "base".to_owned(),
        out: dir.join("out"),
        envs,
        urls: Vec::new(),
        when_all_dead: WhenAllDead::Fail,
        config: RunConfig::default(),
        teacher: TeacherKind::Solved,
        own_rows: true,
        mounted: Vec::new(),
        own_states: true,
        by_rewards: false,
        rewards: Vec::new(),
        pack: Arc::new(PromptPack::builtin()),
        seed: 1,
        steps: Some(4),
        lr: Some(1e-3),
        eval_share: 0.001,
        search_share: 0.0,
        memory: 4 << 30,
        device: Device::flex(),
        deadline: Deadline::none(Instant::now()),
        recipe: Arc::new(Table),
        scratch: dir.join("shell"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_learnt_nothing_is_examined_and_leaves_the_floor() {
    let dir = tempfile::tempdir().unwrap();
    let task = task(dir.path(), vec![EnvName::LeducPoker]);
    let seen = Mutex::new(Vec::new());
    let mut observer = |event: &Event| {
        if let Event::Exam { step, game, .. } = event {
            assert_eq!(game, "leduc_poker");
            seen.lock().unwrap().push(*step);
        }
        if let Event::TextStep(step) = event {
            assert!(step.loss.is_finite() && !step.skipped);
        }
    };
    let artifact = run(&task, &mut observer, &CancellationToken::new()).await.unwrap();
    assert_eq!((artifact.kind, artifact.step), (ArtifactKind::Adapter, 0));
    assert!(holds_artifact(&task.out));
    let seen = seen.into_inner().unwrap();
    assert!(seen.contains(&0) && seen.contains(&4), "exams after steps {seen:?}");
}

#[test]
fn turns_are_told_briefly_first_and_whole_at_the_end() {
    let mut tellings = Tellings::default();
    let told: Vec<Telling> = (0..900)
        .map(|step| {
            let telling = tellings.next();
            tellings.took(telling, 1.0, f64::from(step) / 900.0);
            telling
        })
        .collect();
    let of =
        |range: std::ops::Range<usize>, telling| told[range].iter().filter(|told| **told == telling).count();
    assert!(of(0..90, Telling::Brief) > 75 && of(810..900, Telling::Whole) > 75);
    for telling in Tellings::ALL {
        assert!((295..=305).contains(&of(0..900, telling)), "{telling:?} a third of the time");
    }
}

#[test]
fn exams_are_spread_over_the_later_part_of_a_run() {
    assert_eq!([0.0, 0.39, 0.4, 0.54, 0.56, 0.99].map(due_exams), [0, 0, 1, 1, 2, 4]);
}

#[test]
fn a_turn_is_as_long_as_the_longest_first_one() {
    let dir = tempfile::tempdir().unwrap();
    let task = task(dir.path(), vec![EnvName::LeducPoker]);
    let tokens = |envs: &[EnvName]| first_turn_tokens(&task.model_dir, &task.pack, envs).unwrap();
    let (short, both) = (tokens(&[EnvName::LeducPoker]), tokens(&[EnvName::LeducPoker, EnvName::LiarsDice]));
    assert!(0 < short && short < both, "{short} {both}");
    assert_eq!(tokens(&[]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_told_briefly_are_the_games_own_with_a_tenth_of_the_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let task = task(dir.path(), vec![EnvName::LeducPoker, EnvName::LiarsDice]);
    let format = match_format(&task, &mut |_: &Event| ()).unwrap();
    let mut lessons = Lessons::start(&task, format.clone(), (None, Vec::new(), true), 20.0).unwrap();
    let rows: Vec<_> = lessons.take_brief(6000).unwrap().into_iter().flatten().collect();
    let tokens = |rows: &[train::Row]| rows.iter().map(train::Row::n_tokens).sum::<usize>();
    assert!((6000..6400).contains(&tokens(&rows)), "{} tokens", tokens(&rows));
    let whole: Vec<_> = lessons.take(rows.len(), Telling::Whole).unwrap().into_iter().flatten().collect();
    assert!(5 * tokens(&rows) < tokens(&whole), "{} of {}", tokens(&rows), tokens(&whole));
    let texts: Vec<String> =
        rows.iter().map(|row| format.chat().codec().decode_verbatim(row.prompt())).collect();
    assert!(
        texts.iter().any(|text| text.contains("Your card"))
            && texts.iter().any(|text| text.contains("Your dice"))
    );
    // Mounted turns are there as they were recorded, and in no other way.
    let mounted = Mounted { name: "turns".to_owned(), rows: whole };
    let task = MatchTask { own_rows: false, ..task };
    let mut lessons = Lessons::start(&task, format, (None, vec![mounted], true), 20.0).unwrap();
    assert!(lessons.take_brief(6000).unwrap().is_empty());
}

/// Stages of rewards of a model that plays anything, until `n_steps` are taken or the time is up; the steps taken, and whether
/// the weights have moved.
async fn stage_of_rewards(task: &MatchTask, stage: Stage, seconds: f64, n_steps: u64) -> (u64, bool) {
    let (model, base) = load(&task.model_dir, &task.device, task.seed, Method::Full).unwrap();
    let memory = Memory::plan(task.memory, &model, Method::Full, 2048);
    let goal = Goal {
        kind: ObjectiveKind::Sft,
        base: base.clone(),
        token_budget: memory.token_budget,
        activations: memory.activations,
    };
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let mut observer = move |event: &Event| {
        if let Event::Step(step) = event {
            assert!(step.loss.is_finite() && step.grad_norm.is_finite());
            if step.step >= n_steps {
                stop.cancel();
            }
        }
    };
    let room = (1e-2, 2, Instant::now() + Duration::from_secs_f64(seconds));
    let mut played = tail::Played::default();
    let trained =
        tail::by_rewards(task, (&stage, &goal, model), None, room, &mut played, &mut observer, &cancel)
            .await
            .unwrap();
    let moved = (trained.valid().lm_head_weight() - base.lm_head_weight()).abs().sum().into_scalar::<f32>();
    (played.steps, moved > 0.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn games_are_learnt_from_by_rewards_against_others_and_oneself() {
    let dir = tempfile::tempdir().unwrap();
    let mut task = task(dir.path(), vec![EnvName::LeducPoker]);
    task.config.rollout.group_size = 4;
    let format = match_format(&task, &mut |_: &Event| ()).unwrap();
    let source = Source::in_process(&task.envs).unwrap();
    let stage = Stage::games(task.games(), format, &source);
    assert_eq!(stage_of_rewards(&task, stage, 300.0, 2).await, (2, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_in_the_shell_whose_episodes_bring_nothing_ends_in_time_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let task = task(dir.path(), vec![EnvName::Intercode]);
    if !Shell::open(&task).unwrap().isolates() {
        // Model text runs in sandboxes alone: there is no such stage here.
        return;
    }
    let tokenizer = Arc::new(Tokenizer::from_dir(&task.model_dir).unwrap());
    let format = IntercodeFormat::new(tokenizer, task.pack.clone()).unwrap();
    let stage = Stage::shell(format, &task.scratch).unwrap();
    let (n_steps, has_moved) = stage_of_rewards(&task, stage, 5.0, 1).await;
    assert_eq!(has_moved, n_steps > 0);
}

/// A file of turns of liar's dice and leduc poker as the evaluator's table records them, and one that is no turn.
fn recorded_turns(task: &MatchTask, path: &Path) {
    let tokenizer = Arc::new(Tokenizer::from_dir(&task.model_dir).unwrap());
    let format = MatchFormat::new(tokenizer, task.pack.clone()).unwrap();
    let mut lines = vec![r#"{"question": "What?", "answer": "That."}"#.to_owned()];
    for game in ["liars_dice", "leduc_poker"] {
        let match_play::Start { mut state, mut chance, .. } = match_play::start(game, 1).unwrap();
        match_play::play_chance(state.as_mut(), &mut chance);
        let view = teach::match_text::view(game, state.as_ref(), match_play::Betting::Shown).unwrap();
        let request = format.request(&view).unwrap();
        let call = serde_json::json!({"id": "call00001", "type": "function",
            "function": {"name": "game_action", "arguments": {"action_id": view.legal[0].0}}});
        let row = serde_json::json!({"tools": request.tools, "messages": [
            {"role": "system", "content": request.system}, {"role": "user", "content": request.user},
            {"role": "assistant", "content": "", "tool_calls": [call]}]});
        lines.push(row.to_string());
    }
    std::fs::write(path, lines.join("\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mounted_turns_alone_are_enough_to_learn_from() {
    let dir = tempfile::tempdir().unwrap();
    let mut task = task(dir.path(), vec![EnvName::LeducPoker]);
    let turns = dir.path().join("turns.jsonl");
    recorded_turns(&task, &turns);
    let damaged = dir.path().join("damaged.parquet");
    std::fs::write(&damaged, b"PAR1 and nothing else").unwrap();
    (task.own_rows, task.own_states, task.mounted, task.steps) =
        (false, false, vec![damaged, turns], Some(2));
    let (mut said, mut n_steps) = (Vec::new(), 0);
    let mut observer = |event: &Event| match event {
        Event::Plan { lines } => said.extend(lines.clone()),
        Event::Warning { message } => said.push(message.clone()),
        Event::TextStep(step) => n_steps = step.step,
        _ => {}
    };
    run(&task, &mut observer, &CancellationToken::new()).await.unwrap();
    assert_eq!(n_steps, 2);
    let mounted = said.iter().find(|line| line.starts_with("mounted")).unwrap();
    assert!(mounted.contains("turns.jsonl: 1 turns") && mounted.contains("1 without a call"), "{mounted}");
    assert!(mounted.contains("1 of environments that are not asked for"), "{mounted}");
    assert!(said.iter().any(|line| line.contains("damaged.parquet is left out")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("learns     from 1 turns of turns.jsonl")), "{said:?}");
}
