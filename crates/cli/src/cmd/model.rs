//! `croupier model new|info|merge`.

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::DType;
use model::{DecoderConfig, DeviceChoice, LanguageModel, SaveOptions};
use serde_json::json;

use crate::args::{ModelArgs, ModelInfoArgs, ModelMergeArgs, ModelNewArgs, ModelWhat};
use crate::failure::Failure;

pub(crate) fn run(args: ModelArgs) -> Result<()> {
    match args.what {
        ModelWhat::New(args) => new(&args),
        ModelWhat::Info(args) => info(&args),
        ModelWhat::Merge(args) => merge(&args),
    }
}

fn new(args: &ModelNewArgs) -> Result<()> {
    let arch = args
        .arch
        .parse()
        .map_err(|_| Failure::bad_input(format!("no architecture `{}`", args.arch), model::Arch::names()))?;
    let size = args.size.parse().map_err(|_| {
        Failure::bad_input(format!("no size `{}`", args.size), "pico, nano, tiny, small or q05b")
    })?;
    refuse_model_folder(&args.dir)?;
    let made = tasks::new_model(&args.dir, arch, size, args.vocab, args.seed)?;
    println!("{}: {arch} {}, {} parameters", args.dir.display(), size.name(), made.n_params());
    Ok(())
}

fn info(args: &ModelInfoArgs) -> Result<()> {
    let config = read_config(&args.dir)?;
    let tokenizer = data::Tokenizer::from_dir(&args.dir).ok();
    let tokenizer_size = tokenizer.as_ref().map(data::Tokenizer::vocab_size);
    if args.json {
        println!(
            "{}",
            json!({"path": args.dir, "model_type": config.arch.model_type(), "parameters": config.n_params(),
                   "layers": config.n_layers, "tokenizer_entries": tokenizer_size})
        );
        return Ok(());
    }
    println!("{}", args.dir.display());
    println!("  {} with {} layers, {} parameters", config.arch, config.n_layers, config.n_params());
    match tokenizer_size {
        Some(entries) => println!("  tokenizer of {entries} entries"),
        None => println!("  no readable tokenizer"),
    }
    Ok(())
}

fn merge(args: &ModelMergeArgs) -> Result<()> {
    refuse_model_folder(&args.out)?;
    read_config(&args.model)?;
    let device = DeviceChoice::Cpu.open()?.device;
    let merged = LanguageModel::load(&args.model, DType::F32, &device)?.with_adapter(&args.adapter)?.merged();
    let options = SaveOptions {
        companions: Some(args.model.clone()),
        max_shard_size: args.max_shard_size,
        ..SaveOptions::default()
    };
    merged.save(&args.out, &options)?;
    merged.check_saved(&args.out)?;
    println!("{}", args.out.display());
    Ok(())
}

fn read_config(dir: &Path) -> Result<DecoderConfig> {
    if !dir.join("config.json").is_file() {
        return Err(Failure::bad_input(
            format!("`{}` holds no config.json", dir.display()),
            "give a model folder",
        )
        .into());
    }
    DecoderConfig::from_dir(dir).with_context(|| format!("reading `{}`", dir.display()))
}

/// Nothing is ever overwritten: models are the work of hours.
fn refuse_model_folder(dir: &Path) -> Result<()> {
    if dir.join("config.json").exists() {
        let hint = "choose another folder, or remove this one";
        return Err(Failure::bad_input(format!("`{}` already holds a model", dir.display()), hint).into());
    }
    Ok(())
}
