#!/usr/bin/env bash
# A GrpoTask: prompts, and Python functions that judge what the model makes of them.
#
#   examples/run_grpo_task.sh [--smoke]
TASK_TYPE=GrpoTask
DATASET_TYPE='{"field_prompt":"prompt","extra_column":null,"reward_functions":[{"reward_id":null,"reward_func":"def reward_word_count(completions, **kwargs):\n    return [-abs(20 - len(c.split())) for c in completions]","reward_weight":0.7,"func_hash":null,"is_generic":true,"is_manual":null},{"reward_id":null,"reward_func":"def reward_unique(completions, **kwargs):\n    return [len(set(c.split())) / max(1, len(c.split())) for c in completions]","reward_weight":0.3,"func_hash":null,"is_generic":true,"is_manual":null}]}'
ROWS='
for _ in range(300):
    rows.append({"prompt": "Tell of a " + " and a ".join(draw()) + "."})
'
. "$(dirname "$0")/text_task.sh"
