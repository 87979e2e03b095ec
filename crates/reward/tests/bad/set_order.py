# fault: non-deterministic
def reward(completions, **kwargs):
    return [len(next(iter(set(c.split())), "")) for c in completions]
