# fault: non-deterministic
import random


def reward(completions, **kwargs):
    return [len(c) + random.random() for c in completions]
