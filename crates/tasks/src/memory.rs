//! How much memory a run may plan with.

use std::fs;
use std::process::Command;

/// What an H100 has, less what the driver and kernels take, where nvidia-smi does not say what is free.
const GPU: u64 = 72 << 30;
/// Where nothing can be read.
const UNKNOWN: u64 = 4 << 30;

/// Bytes that are free on `device` (`cpu`, `cuda:N`): of the machine, or of the container's limit if that is less.
pub fn available_memory(device: &str) -> u64 {
    if let Some(index) = device.strip_prefix("cuda:") {
        return free_of_gpu(index).unwrap_or(GPU);
    }
    let of_machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text));
    let limit =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    of_machine.into_iter().chain(limit).min().unwrap_or(UNKNOWN)
}

fn free_of_gpu(index: &str) -> Option<u64> {
    let query = ["--query-gpu=memory.free", "--format=csv,noheader,nounits", "-i", index];
    let answer =
        Command::new("nvidia-smi").args(query).output().ok().filter(|answer| answer.status.success())?;
    mebibytes(&String::from_utf8_lossy(&answer.stdout))
}

fn mebibytes(answer: &str) -> Option<u64> {
    Some(answer.lines().next()?.trim().parse::<u64>().ok()? << 20)
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests;
