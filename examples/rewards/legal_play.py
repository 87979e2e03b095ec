"""For games: the environment's reward, less a tenth for each refused action, and less for play that was cut off."""


def reward_legal_play(completions, trajectories, **kwargs):
    rewards = []
    for trajectory in trajectories:
        refused = sum(not turn["legal"] for turn in trajectory["turns"])
        unfinished = trajectory["stop_reason"] != "done"
        rewards.append(trajectory["reward"] - 0.1 * refused - 0.5 * unfinished)
    return rewards
