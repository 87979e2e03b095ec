# fault: memory
def reward(completions, **kwargs):
    table = bytearray(100 * 1024**3)
    return [table[len(c)] for c in completions]
