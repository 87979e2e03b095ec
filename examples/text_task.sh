# A whole text task as the tournament runs it, without Docker: model and rows in a cache, the trainer with its eight flags.
# Sourced by run_{instruct,chat,dpo,grpo}_task.sh, which set TASK_TYPE, DATASET_TYPE and ROWS (Python that fills `rows`).
#
# Settings by environment: DIR (run folder), HOURS, SIZE (of the random model), CROUPIER (binary instead of building one).
set -euo pipefail
cd "$(dirname "$0")/.."

smoke=0
case "${1:-}" in
    "") ;;
    --smoke) smoke=1 ;;
    *) echo "unknown argument \`$1\`"$'\n\n'"hint: $0 [--smoke]" >&2; exit 2 ;;
esac

NAME=$(basename "$0" .sh)
NAME=${NAME#run_}
TASK_ID=22222222-3333-4444-5555-666666666666
# What the tournament gives instead of a name.
MODEL=0123456789abcdef
SIZE=${SIZE:-$([ $smoke = 1 ] && echo nano || echo tiny)}
HOURS=${HOURS:-$([ $smoke = 1 ] && echo 0.004 || echo 0.1)}
DIR=$(mkdir -p "${DIR:-runs/$NAME}" && cd "${DIR:-runs/$NAME}" && pwd)
ARTIFACT=$DIR/app/checkpoints/$TASK_ID/repo

if [ -z "${CROUPIER:-}" ]; then
    profile=$([ $smoke = 1 ] && echo ci || echo release)
    cargo build --profile "$profile"
    CROUPIER=${CARGO_TARGET_DIR:-target}/$profile/croupier
fi
mkdir -p "$DIR/cache/models" "$DIR/cache/datasets"
[ -d "$DIR/cache/models/$MODEL" ] || "$CROUPIER" model new --arch qwen2 --size "$SIZE" "$DIR/cache/models/$MODEL"
python3 - "$DIR/cache/datasets/${TASK_ID}_train_data.json" << END
import json, random, sys
random.seed(0)
words = "king queen jack raise call fold deck river flush straight".split()
draw = lambda: [random.choice(words) for _ in range(3)]
rows = []
$ROWS
json.dump(rows, open(sys.argv[1], "w"))
END

"$CROUPIER" train text --task-id "$TASK_ID" --model "$MODEL" --dataset "https://example.com/rows.json" \
    --dataset-type "$DATASET_TYPE" --task-type "$TASK_TYPE" --file-format s3 --expected-repo-name repo \
    --hours-to-complete "$HOURS" --root "$DIR" --container

echo
echo "artifact: $ARTIFACT"
ls -l "$ARTIFACT"
