"""Rows a second of OpenSpiel's Python API: random play on both sides, the turn's text and labels as match play shows them.

    pip install open_spiel==2.0.2
    python scripts/bench/openspiel_rows.py [--seconds 3] [--processes 1]

The peer of `cargo bench -p teach -- rows`: same games, same policy, same text. One process a core is OpenSpiel's way to use
several; rates add up. Prints one JSON line for each game.
"""

import argparse
import json
import multiprocessing
import random
import time

import pyspiel

RANKS, SUITS, ACTIONS = "JQK", "♠♥", ("Fold", "Call", "Raise")


def leduc_text(state, player):
    fields = dict(part.split(": ", 1) for part in state.information_state_string(player)[1:-1].split("][") if ": " in part)
    card = lambda text: RANKS[int(text) // 2] + SUITS[int(text) % 2]
    lines = [f"Your card: {card(fields['Private'])}"]
    if "Public" in fields:
        lines.append(f"Public card: {card(fields['Public'])}")
        if card(fields["Public"])[0] == card(fields["Private"])[0]:
            lines.append("Hand: PAIR")
    chips = fields["Money"].split(" ")
    number = 2 if "Public" in fields else 1
    lines += [f"Round: {number}/2", f"Pot: {fields['Pot']} chips", f"Your chips: {chips[player]}"]
    lines.append(f"Opponent chips: {chips[1 - player]}")
    for name in ("Round1", "Round2"):
        if fields.get(name):
            played = ", ".join(ACTIONS[int(action)] for action in fields[name].split(" "))
            lines.append(f"Round {name[-1]} actions: {played}")
    return "\n".join(lines)


def liars_text(state, player):
    dice, *bids = state.information_state_string(player).split(" ")
    shown = ", ".join(dice)
    text = (f"Your dice: [{shown}] (showing: {shown})\nDice per player: {len(dice)}\n"
            f"Total dice in game: {2 * len(dice)}\nPlayers: 2\nCurrent player: Player {player}\n")
    if not bids:
        return text + "No bid yet - you must make the first bid"
    quantity, face = bids[-1].split("-")
    return text + (f'\nCurrent bid: "{bids[-1]}" (at least {quantity} dice showing {face} across all players)\n'
                   "You can: (1) Make a higher bid, or (2) Call 'Liar'")


def gin_text(state, player):
    return state.observation_string(player)


GAMES = {
    "gin_rummy": ([f"gin_rummy(hand_size={7 + seed // 3 % 3},knock_card={10 - seed % 3})" for seed in range(9)], gin_text),
    "leduc_poker": (["leduc_poker(players=2)"], leduc_text),
    "liars_dice": (["liars_dice(players=2,numdice=5)"], liars_text),
}


def rate(name, seconds, seed):
    """Rows a second of one process."""
    specs, text = GAMES[name]
    games = [pyspiel.load_game(spec) for spec in specs]
    rng = random.Random(seed)
    rows, played, start = 0, 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        state = games[played % len(games)].new_initial_state()
        played += 1
        while not state.is_terminal():
            if state.is_chance_node():
                outcomes, weights = zip(*state.chance_outcomes())
                state.apply_action(rng.choices(outcomes, weights)[0])
                continue
            player = state.current_player()
            legal = state.legal_actions()
            if not legal:
                break
            turn = text(state, player), [(action, state.action_to_string(player, action)) for action in legal]
            assert turn[1]
            rows += 1
            state.apply_action(rng.choice(legal))
    return rows / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    for name in GAMES:
        with multiprocessing.Pool(arguments.processes) as pool:
            jobs = [(name, arguments.seconds, seed) for seed in range(arguments.processes)]
            total = sum(pool.starmap(rate, jobs))
        print(json.dumps({"game": name, "processes": arguments.processes, "rows_per_second": round(total)}), flush=True)


if __name__ == "__main__":
    main()
