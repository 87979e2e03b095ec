# fault: signature
def reward(prompt, completion, answer):
    return float(answer in completion)
