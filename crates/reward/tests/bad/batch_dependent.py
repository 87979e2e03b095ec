# fault: batch-dependent
def reward(completions, **kwargs):
    mean = sum(len(c) for c in completions) / len(completions)
    return [-abs(len(c) - mean) for c in completions]
