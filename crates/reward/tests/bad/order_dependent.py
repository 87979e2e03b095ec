# fault: order-dependent
def reward(completions, **kwargs):
    return [len(c) - 0.01 * place for place, c in enumerate(completions)]
