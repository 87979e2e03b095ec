//! `croupier doctor`: what this machine offers, one line each, with a hint where something is missing.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::args::DoctorArgs;
use crate::failure::Failure;
use crate::interrupt;

/// A sidecar that says nothing for this long is reported as not answering.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

struct Finding {
    name: String,
    good: bool,
    seen: String,
}

pub(crate) fn run(args: DoctorArgs) -> Result<()> {
    let choice: model::DeviceChoice = args
        .device
        .parse()
        .map_err(|error: model::Error| Failure::bad_input(error.to_string(), "auto, cpu, cuda or cuda:N"))?;
    let mut findings = vec![machine(), memory(), driver()];
    findings.extend(model::devices().into_iter().map(|(name, probe)| match probe {
        Ok(device) => found(format!("device {name}"), device.model.unwrap_or_else(|| "computes".to_owned())),
        Err(error) => missing(format!("device {name}"), error.to_string()),
    }));
    findings.push(match choice.open() {
        Ok(device) => found(format!("--device {choice}"), format!("uses {}", device.name)),
        Err(error) => missing(format!("--device {choice}"), error.to_string()),
    });
    if let Some(urls) = args.urls.as_deref().filter(|urls| !urls.trim().is_empty()) {
        findings.extend(interrupt::block_on(sidecars(urls))?);
    }
    print(&findings, args.json);
    if findings.iter().all(|finding| finding.good) {
        return Ok(());
    }
    Err(Failure::refused("something that was asked for is missing").into())
}

fn print(findings: &[Finding], as_json: bool) {
    for Finding { name, good, seen } in findings {
        if as_json {
            println!("{}", json!({"doctor": name, "good": good, "seen": seen}));
        } else {
            println!("{:7}  {name:24} {seen}", if *good { "ok" } else { "MISSING" });
        }
    }
}

fn machine() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = proc_field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    found("processor", format!("{cores} cores, {cpu}"))
}

fn memory() -> Finding {
    let gib = |key| {
        let text = proc_field("/proc/meminfo", key)?;
        text.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib / 1024.0 / 1024.0)
    };
    match (gib("MemTotal"), gib("MemAvailable")) {
        (Some(total), Some(free)) => found("memory", format!("{free:.1} of {total:.1} GiB available")),
        _ => found("memory", "unknown on this system"),
    }
}

/// The NVIDIA driver as it describes itself; its absence is fine unless a GPU was asked for.
fn driver() -> Finding {
    let query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"];
    let seen = match Command::new("nvidia-smi").args(query).output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().replace('\n', "; ")
        }
        _ => "none found (nvidia-smi does not run): training uses the CPU".to_owned(),
    };
    let built = if cfg!(feature = "cuda") { "" } else { "; this binary is built without CUDA" };
    found("NVIDIA driver", format!("{seen}{built}"))
}

async fn sidecars(urls: &str) -> Result<Vec<Finding>> {
    let urls = envclient::parse_urls(urls)
        .map_err(|error| Failure::bad_input(error.to_string(), "http://HOST:PORT, comma separated"))?;
    let http = reqwest::Client::builder().timeout(HEALTH_TIMEOUT).build()?;
    let mut findings = Vec::new();
    for url in urls {
        let name = format!("sidecar {url}");
        let health = url.join("health")?;
        findings.push(match http.get(health).send().await {
            Ok(reply) if reply.status().is_success() => found(name, "healthy"),
            Ok(reply) => missing(name, format!("answers {}", reply.status())),
            Err(error) if error.is_timeout() => missing(name, "no answer within 5 s: busy, or gone"),
            Err(error) => missing(name, format!("not reachable: {error}")),
        });
    }
    Ok(findings)
}

fn proc_field(file: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn found(name: impl Into<String>, seen: impl Into<String>) -> Finding {
    Finding { name: name.into(), good: true, seen: seen.into() }
}

fn missing(name: impl Into<String>, seen: impl Into<String>) -> Finding {
    Finding { name: name.into(), good: false, seen: seen.into() }
}
