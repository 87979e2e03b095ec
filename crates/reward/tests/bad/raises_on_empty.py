# fault: edge-case
def reward(completions, **kwargs):
    return [float(c.split()[0].isupper()) for c in completions]
