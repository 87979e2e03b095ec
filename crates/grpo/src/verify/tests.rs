use std::fs;

use super::*;

/// The reference folder, if this clone has one.
fn reference() -> Option<PathBuf> {
    let shared = std::env::var_os("CROUPIER_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let dir = shared.join("data/golden");
    if !dir.is_dir() {
        eprintln!("skipped: no reference data");
        return None;
    }
    Some(dir)
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden")
}

/// A copy of `dir`, one level deep and its folders' files, that may be altered.
fn copy(dir: &Path) -> tempfile::TempDir {
    let target = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let to = target.path().join(entry.file_name());
        if entry.file_type().unwrap().is_file() {
            write(&to, &fs::read(entry.path()).unwrap());
            continue;
        }
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(entry.path()).unwrap().map(Result::unwrap) {
            write(&to.join(file.file_name()), &fs::read(file.path()).unwrap());
        }
    }
    target
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

/// Adds `change` to the first value of the tensor `name` in a safetensors file.
fn alter(path: &Path, name: &str, change: f32) {
    let mut bytes = fs::read(path).unwrap();
    let start = {
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let data = file.tensor(name).unwrap();
        data.data().as_ptr() as usize - bytes.as_ptr() as usize
    };
    let old = f32::from_le_bytes(bytes[start..start + 4].try_into().unwrap());
    bytes[start..start + 4].copy_from_slice(&(old + change).to_le_bytes());
    write(path, &bytes);
}

fn failures(report: &VerifyReport) -> Vec<String> {
    report.failures.iter().map(|failure| format!("{} {}", failure.case, failure.field)).collect()
}

#[test]
fn every_reference_case_is_within_tolerance() {
    let Some(dir) = reference() else { return };
    let report = verify_losses(&dir, &Device::flex()).unwrap();
    assert!(report.passed(), "{}\n{:#?}", report.last_line("losses"), failures(&report));
    // 3 advantages, 76 grpo, 24 dpo and 4 sft from stored log-probs; 2 + 76 + 2 + 24 + 8 through the model; adamw.
    assert_eq!(report.cases, 3 + 76 + 24 + 4 + 2 + 76 + 2 + 24 + 8 + 1);
}

#[test]
fn the_committed_cases_are_within_tolerance() {
    let report = verify_objectives(&committed(), &Device::flex()).unwrap();
    assert!(report.passed(), "{}\n{:#?}", report.last_line("losses"), failures(&report));
    assert_eq!(report.cases, 3 + 6);
}

#[test]
fn an_altered_logprob_and_an_altered_loss_are_found() {
    let dir = copy(&committed());
    alter(&dir.path().join("batch.safetensors"), "full.per_token_logps", 0.01);
    let report = verify_objectives(dir.path(), &Device::flex()).unwrap();
    assert!(report.failed >= 1 && failures(&report)[0].starts_with("full."), "{:?}", failures(&report));

    let dir = copy(&committed());
    let cases = fs::read_to_string(dir.path().join("cases.json")).unwrap();
    let loss = "\"loss_f64\": 0.0";
    let altered = cases.replacen(loss, "\"loss_f64\": 0.1", 1);
    assert_ne!(cases, altered);
    write(&dir.path().join("cases.json"), altered.as_bytes());
    let report = verify_objectives(dir.path(), &Device::flex()).unwrap();
    assert_eq!(report.failed, 1, "{:?}", failures(&report));
}

#[test]
fn an_altered_weight_gradient_and_adapter_are_found() {
    let Some(reference) = reference() else { return };
    let gradient = "sft.full.all_tokens.mean.model.norm.weight";
    let adapter = "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight";
    for (file, name, change, case) in [
        ("grads.safetensors", gradient, 0.1, "sft.full.all_tokens.mean"),
        ("adapter/adapter_model.safetensors", adapter, 0.05, "lora.per_token"),
        ("model/model.safetensors", "model.norm.weight", 0.05, "full.per_token"),
    ] {
        let dir = copy(&reference);
        alter(&dir.path().join(file), name, change);
        let report = verify_losses(dir.path(), &Device::flex()).unwrap();
        assert!(
            report.failures.iter().any(|failure| failure.case == case),
            "{file}: {:?}",
            failures(&report)
        );
    }
}

#[test]
fn a_folder_without_cases_is_unreadable_not_wrong() {
    let empty = tempfile::tempdir().unwrap();
    let error = verify_losses(empty.path(), &Device::flex()).unwrap_err();
    assert!(matches!(error, Error::Reference { .. }), "{error}");
}
