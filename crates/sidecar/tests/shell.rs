//! Episodes of the shell environment over HTTP.

use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures::StreamExt;
use intercode::{Sandbox, SandboxConfig, tasks, teacher};
use schema::EnvName;
use serde_json::{Value, json};
use sidecar::{ActorConfig, ServeConfig, Server, ShellConfig, ShellTasks, serve};

const SET: u64 = 31;

/// A sidecar with the shell environment; `None` where nothing keeps a model's commands in.
async fn start(scratch: &Path) -> Option<(Server, Client)> {
    let shell = ShellConfig {
        tasks: ShellTasks::Generated { set: SET },
        sandbox: SandboxConfig::new(scratch),
        ..ShellConfig::default()
    };
    let actor = ActorConfig { games: vec![EnvName::Intercode], shell, ..ActorConfig::default() };
    let server = serve(ServeConfig { actor, ..ServeConfig::default() }).await.expect("a port");
    let status = server.actor().shell_status().expect("it is served");
    if status.starts_with("no episodes") {
        let unshare = std::process::Command::new("unshare").args(["-Ur", "true"]).status();
        assert!(!unshare.is_ok_and(|status| status.success()), "unshare works here, and yet: {status}");
        return None;
    }
    let client = Client { http: reqwest::Client::new(), url: server.url() };
    Some((server, client))
}

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    async fn post(&self, route: &str, body: Value) -> Value {
        let response =
            self.http.post(format!("{}/{route}", self.url)).json(&body).send().await.expect("it answers");
        assert_eq!(response.status(), 200, "{route} {body}");
        response.json().await.expect("JSON")
    }

    async fn reset(&self, task_id: u64) -> Value {
        let reply = self.post("reset", json!({ "task_id": task_id, "seed": 0 })).await;
        assert_eq!((&reply["status"], &reply["error"]), (&json!("success"), &Value::Null));
        reply["result"].clone()
    }

    async fn step(&self, episode: &Value, action: &str) -> Value {
        let body = json!({ "action": action, "episode_id": episode["episode_id"] });
        self.post("step", body).await["result"].clone()
    }

    /// The reward of an episode of `actions` and a submission.
    async fn play(&self, task_id: u64, actions: &[&str]) -> f64 {
        let episode = self.reset(task_id).await;
        for action in actions {
            assert_eq!(self.step(&episode, action).await["done"], false);
        }
        let last = self.step(&episode, "submit").await;
        assert_eq!(last["done"], true);
        let stopped = self.post("stop", json!({ "episode_id": episode["episode_id"] })).await;
        assert_eq!(stopped["result"]["stopped"], true);
        last["reward"].as_f64().expect("a number")
    }
}

/// A temporary folder that everybody can enter, as the weaker sandbox needs it.
fn public_folder() -> tempfile::TempDir {
    let everybody = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().permissions(everybody).tempdir().expect("a folder")
}

fn sandbox(scratch: &Path) -> Sandbox {
    Sandbox::new(SandboxConfig::new(scratch)).expect("bash runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_solutions_get_the_full_reward_several_at_once() {
    let scratch = public_folder();
    let Some((server, client)) = start(scratch.path()).await else { return };
    let health = client.http.get(format!("{}/health", client.url)).send().await.unwrap();
    assert_eq!(health.json::<Value>().await.unwrap(), json!({ "status": "ok", "tasks": 200 }));
    // Tasks whose own command answers them here, and answers them the same again.
    let own = sandbox(scratch.path());
    let solvable = (1..=200).filter(|&id| teacher::lesson(&own, SET, id).unwrap().is_some()).take(20);
    let known: Vec<(u64, String)> = solvable.map(|id| (id, tasks::task(SET, id).gold)).collect();
    assert_eq!(known.len(), 20);
    let episodes = known.iter().map(|(id, gold)| {
        let client = client.clone();
        async move { (*id, client.play(*id, &["ls /", gold]).await) }
    });
    let rewards: Vec<(u64, f64)> = futures::stream::iter(episodes).buffer_unordered(8).collect().await;
    let low: Vec<&(u64, f64)> = rewards.iter().filter(|(_, reward)| *reward < 0.99).collect();
    assert!(low.is_empty(), "{low:?}");
    assert_eq!(server.actor().open_episodes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn submitting_at_once_scores_as_it_does_in_this_process() {
    let scratch = public_folder();
    let Some((_server, client)) = start(scratch.path()).await else { return };
    let threads = NonZeroUsize::new(2).unwrap();
    let here = teacher::benchmark(&sandbox(scratch.path()), SET, 21, threads, &teacher::no_op).unwrap();
    for task_id in 1..=20 {
        assert_eq!(client.play(task_id, &[]).await, here[task_id as usize].total, "task {task_id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_commands_are_contained_and_leave_nothing_behind() {
    let (scratch, outside) = (public_folder(), public_folder());
    let Some((server, client)) = start(scratch.path()).await else { return };
    let secret = outside.path().join("secret");
    std::fs::write(&secret, "for my eyes only").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    // A duration that nobody else sleeps for.
    let marker = format!("986{}", std::process::id());
    let (secret, folder) = (secret.display().to_string(), outside.path().display().to_string());
    let victim = client.reset(1).await;
    client.step(&victim, "echo mine > mine || echo mine > /tmp/mine").await;
    let before = client.step(&victim, "cat mine /tmp/mine 2> /dev/null").await["observation"].clone();
    let attacker = client.reset(2).await;
    for command in [
        format!("cat {secret}; echo x > {folder}/new; rm -rf {folder}; echo x > {secret}"),
        format!("kill -9 {0}; kill -STOP {0}; kill -9 1", std::process::id()),
        format!("(setsid nohup sleep {marker} > /dev/null 2>&1 &) ; echo started"),
        "exec 3<> /dev/tcp/127.0.0.1/80 && echo connected".to_owned(),
        "head -c 100000000 /dev/zero | tr '\\0' x".to_owned(),
        "rm -rf mine /tmp/mine; for i in 1 2 3; do cat /proc/$PPID/environ; done | tr '\\0' '\\n' | grep PATH=/".to_owned(),
    ] {
        let reply = client.step(&attacker, &command).await;
        let seen = reply["observation"].as_str().unwrap();
        assert!(!seen.contains("eyes only") && !seen.contains("connected"), "{command}: {seen}");
        assert!(seen.chars().count() <= 350, "{command}");
        assert_eq!(reply["done"], false, "{command}: {reply}");
    }
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "for my eyes only");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    let after = client.step(&victim, "cat mine /tmp/mine 2> /dev/null").await["observation"].clone();
    assert_eq!((before.as_str(), after), (Some("mine\n"), before.clone()));
    for episode in [&victim, &attacker] {
        client.post("stop", json!({ "episode_id": episode["episode_id"] })).await;
    }
    assert_eq!(server.actor().open_episodes(), 0);
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    assert_eq!(std::fs::read_to_string("/proc/self/mountinfo").unwrap(), mounts);
    let left: Vec<String> = command_lines().into_iter().filter(|line| line.contains(&marker)).collect();
    assert_eq!(left, [""; 0]);
}

/// Command lines of all processes of the machine.
fn command_lines() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("/proc is mounted").filter_map(Result::ok);
    let read = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("cmdline")).ok();
    processes.filter_map(read).map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " ")).collect()
}

#[tokio::test]
async fn a_slow_command_keeps_nobody_else_waiting() {
    let scratch = public_folder();
    let Some((_server, client)) = start(scratch.path()).await else { return };
    let (one, other) = (client.reset(1).await, client.reset(1).await);
    let slow = client.step(&one, "sleep 2; echo slept");
    tokio::pin!(slow);
    // Polls the slow one first, so that it is under way when the other is asked.
    tokio::select! {
        biased;
        _ = &mut slow => panic!("the slow command was answered first"),
        quick = client.step(&other, "echo quick") => assert_eq!(quick["observation"], "quick\n"),
    }
    assert_eq!(slow.await["observation"], "slept\n");
}

#[tokio::test]
async fn a_task_number_that_is_not_there_is_refused_as_each_route_does() {
    let scratch = public_folder();
    let Some((_server, client)) = start(scratch.path()).await else { return };
    let refused = client.post("reset", json!({ "task_id": 201 })).await;
    assert_eq!(refused["result"]["info"]["error"]["type"], "invalid_game");
    let evaluate = async |body: Value| {
        let response = client.http.post(format!("{}/evaluate", client.url)).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let body = json!({ "model": "m", "base_url": "http://127.0.0.1:9", "task_id": 201 });
    let detail = json!({ "detail": "task id 201 out of range; valid range is 1..200" });
    assert_eq!(evaluate(body).await, (400, detail));
    assert_eq!(evaluate(json!({ "task_id": 1 })).await.0, 422);
}
