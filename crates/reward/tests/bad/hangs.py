# fault: hangs
def reward(completions, **kwargs):
    while len(completions) > 0:
        pass
    return []
