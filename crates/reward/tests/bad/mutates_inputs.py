# fault: mutates-inputs
def reward(completions, trajectories, **kwargs):
    scores = []
    for trajectory in trajectories:
        turn = trajectory["turns"].pop()
        scores.append(turn["reward"] - 0.1 * (not turn["legal"]))
    return scores
