#!/usr/bin/env bash
# A DpoTask: of two completions one is preferred.
#
#   examples/run_dpo_task.sh [--smoke]
TASK_TYPE=DpoTask
DATASET_TYPE='{"field_prompt":"prompt","field_system":null,"field_chosen":"chosen","field_rejected":"rejected","prompt_format":null,"chosen_format":null,"rejected_format":null}'
ROWS='
for _ in range(1500):
    three = draw()
    rows.append({"prompt": "Sort: " + " ".join(three) + "\n", "chosen": " ".join(sorted(three)), "rejected": " ".join(three) + " fold"})
'
. "$(dirname "$0")/text_task.sh"
