# fault: constant
def reward(completions, **kwargs):
    return [0.5 for _ in completions]
