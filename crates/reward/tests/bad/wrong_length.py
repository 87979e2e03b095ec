# fault: wrong-length
def reward(completions, **kwargs):
    return [1.0 for c in completions if c.startswith("T")]
