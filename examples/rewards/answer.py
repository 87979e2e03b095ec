"""The right number in the answer tags. What is right comes with each row as `extra_data`, a string of JSON."""
import json
import re


def reward_answer(completions, extra_data=None, **kwargs):
    rewards = []
    for completion, extra in zip(completions, extra_data or [None] * len(completions)):
        said = re.search(r"<answer>\s*(-?\d+)\s*</answer>", completion)
        right = json.loads(extra).get("answer") if extra else None
        rewards.append(float(said is not None and right is not None and int(said.group(1)) == right))
    return rewards
