#!/usr/bin/env bash
# A whole environment task as the tournament runs it: model cache, sidecars, the trainer with its eight flags, artifact.
#
#   examples/run_environment_task.sh [--smoke]
#
# With a Docker engine: the real images on an internal network, without capabilities, as the contract has it.
# Without one: the binary itself, with `--root DIR` in place of `/cache` and `/app/checkpoints`.
# Settings by environment: DIR (run folder), HOURS, GAMES, CROUPIER (binary to use instead of building one).
set -euo pipefail
cd "$(dirname "$0")/.."

smoke=0
case "${1:-}" in
    "") ;;
    --smoke) smoke=1 ;;
    *) echo "unknown argument \`$1\`"$'\n\n'"hint: examples/run_environment_task.sh [--smoke]" >&2; exit 2 ;;
esac

TASK_ID=11111111-2222-3333-4444-555555555555
MODEL=croupier/pico
REPO=leduc-adapter
GAMES=${GAMES:-leduc_poker}
HOURS=${HOURS:-$([ $smoke = 1 ] && echo 0.015 || echo 0.15)}
DIR=$(mkdir -p "${DIR:-runs/environment-task}" && cd "${DIR:-runs/environment-task}" && pwd)
CACHED_MODEL=cache/models/${MODEL//\//--}
ARTIFACT=$DIR/app/checkpoints/$TASK_ID/$REPO

# The eight flags of the contract, in its order.
flags=(
    --task-id "$TASK_ID"
    --model "$MODEL"
    --dataset env_task_dummy_dataset
    --dataset-type "{\"environment_names\": [\"${GAMES//,/\", \"}\"]}"
    --task-type EnvTask
    --file-format s3
    --expected-repo-name "$REPO"
    --hours-to-complete "$HOURS"
)

# What the downloader leaves behind: the model, and a data file that environment tasks ignore.
lay_out() {
    mkdir -p "$DIR/cache/models" "$DIR/cache/datasets" "$DIR/app/checkpoints"
    printf '[{"prompt": "Interact with this environment."}]\n' > "$DIR/cache/datasets/${TASK_ID}_train_data.json"
}

with_binary() {
    local profile log urls
    profile=$([ $smoke = 1 ] && echo ci || echo release)
    if [ -z "${CROUPIER:-}" ]; then
        cargo build --profile "$profile"
        CROUPIER=${CARGO_TARGET_DIR:-target}/$profile/croupier
    fi
    [ -d "$DIR/$CACHED_MODEL" ] || "$CROUPIER" model new --arch qwen3 --size pico "$DIR/$CACHED_MODEL"

    log=$DIR/sidecars.log
    "$CROUPIER" sidecar serve --port 0 --count 2 --games "$GAMES" > "$log" 2>&1 &
    sidecars=$!
    trap 'kill "$sidecars" 2> /dev/null || true' EXIT
    for _ in $(seq 100); do
        urls=$(sed -n 's/^ENVIRONMENT_SERVER_URLS=//p' "$log")
        [ -n "$urls" ] && break
        kill -0 "$sidecars" 2> /dev/null || { cat "$log" >&2; exit 1; }
        sleep 0.1
    done
    echo "sidecars: $urls"
    ENVIRONMENT_SERVER_URLS=$urls "$CROUPIER" train text "${flags[@]}" --root "$DIR"
}

with_docker() {
    local network=croupier-internal gpus=() urls=()
    docker build -f dockerfiles/standalone-text-trainer.dockerfile -t standalone-text-trainer .
    docker build -f dockerfiles/sidecar.dockerfile -t croupier-sidecar .
    [ -d "$DIR/$CACHED_MODEL" ] || docker run --rm --entrypoint croupier -v "$DIR/cache:/cache" standalone-text-trainer \
        model new --arch qwen3 --size pico "/$CACHED_MODEL"

    docker network inspect "$network" > /dev/null 2>&1 || docker network create --internal "$network" > /dev/null
    trap 'docker rm --force croupier-sidecar-0 croupier-sidecar-1 > /dev/null 2>&1; docker network rm "$network" > /dev/null 2>&1' EXIT
    for index in 0 1; do
        docker run --detach --rm --network "$network" --name "croupier-sidecar-$index" croupier-sidecar --games "$GAMES" > /dev/null
        # The tournament gives addresses, not names.
        urls+=("http://$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "croupier-sidecar-$index"):8000")
    done
    if command -v nvidia-smi > /dev/null; then gpus=(--gpus all); fi
    docker run --rm "${gpus[@]}" --network "$network" --security-opt=no-new-privileges --cap-drop=ALL --shm-size=8g \
        --env "ENVIRONMENT_SERVER_URLS=$(IFS=,; echo "${urls[*]}")" --env WANDB_MODE=offline \
        --volume "$DIR/cache:/cache:ro" --volume "$DIR/app/checkpoints:/app/checkpoints:rw" \
        standalone-text-trainer "${flags[@]}"
}

lay_out
if docker info > /dev/null 2>&1; then with_docker; else
    echo "no Docker engine: running the binary with --root $DIR"
    with_binary
fi

echo
echo "artifact: $ARTIFACT"
ls -l "$ARTIFACT"
[ -s "$ARTIFACT/adapter_model.safetensors" ] && [ -s "$ARTIFACT/adapter_config.json" ]
