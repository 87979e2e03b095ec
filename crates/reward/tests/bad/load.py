# fault: load
TABLE = {"a": 1}
LIMIT = TABLE["b"]


def reward(completions, **kwargs):
    return [LIMIT for c in completions]
