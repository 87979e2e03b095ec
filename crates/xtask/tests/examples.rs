//! The files under `examples/` are what they claim to be.

use std::path::Path;

use schema::{RunConfig, TaskType};

#[test]
fn the_quickstart_example_is_a_run_config() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/quickstart.toml");
    let config: RunConfig = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(config.task.kind.as_deref().map(str::parse), Some(Ok(TaskType::EnvTask)));
    assert_eq!(config.env.names, ["leduc_poker"]);
    assert!(config.optimizer.lora.is_some());
}
