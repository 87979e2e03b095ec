"""Random games of OpenSpiel, state by state, for `croupier verify traces`.

    python scripts/golden/openspiel_traces.py OUT [--games 200] [--verbatim 24] [--only NAME]

Writes OUT/VARIANT.jsonl.gz, one game a line, for othello, clobber and goofspiel in the sizes of match play and of the
sidecar; card and dice games have reference traces already. Lines are laid out as in those: the whole action sequence with
who acted, and for each state before an action the legal ids and the texts, as they are in the first games and hashed in
the others. Where both seats move at once (goofspiel as the sidecar plays it) a round is written as two states, seat 0 and
then seat 1, with the texts of the one that OpenSpiel has.
"""

import argparse
import gzip
import hashlib
import json
import pathlib
import random

import pyspiel

IN_TURNS = "turn_based_simultaneous_game(game=goofspiel(imp_info=True,num_cards={},players=2,points_order=random,returns_type=win_loss))"
AT_ONCE = "goofspiel(num_cards={},players=2,points_order=random)"

VARIANTS = {
    "othello": "othello",
    **{f"clobber_r{r}c{c}": f"clobber(rows={r},columns={c})" for r, c in [(4, 5), (5, 5), (5, 6), (6, 6), (7, 7)]},
    **{f"goofspiel_n{n}": IN_TURNS.format(n) for n in (5, 8, 10, 13)},
    **{f"goofspiel_at_once_n{n}": AT_ONCE.format(n) for n in (8, 10, 12, 14, 16)},
}


def shorten(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def decision(state, seat, at, verbatim):
    legal = state.legal_actions(seat)
    entry = {"t": at, "p": seat, "legal": legal}
    info, whole = state.information_state_string(seat), str(state)
    if not verbatim:
        return {**entry, "info_h": shorten(info), "state_h": shorten(whole)}
    names = [state.action_to_string(seat, action) for action in legal]
    return {
        **entry, "info": info, "state": whole, "info_other": state.information_state_string(1 - seat),
        "action_strings": names, "obs": state.observation_string(seat),
    }


def play(spec, seed, verbatim):
    rng, state = random.Random(seed), pyspiel.load_game(spec).new_initial_state()
    actions, actors, states = [], [], []
    while not state.is_terminal():
        player = state.current_player()
        if player == pyspiel.PlayerId.SIMULTANEOUS:
            for seat in range(2):
                states.append(decision(state, seat, len(actions), verbatim))
                actions.append(rng.choice(state.legal_actions(seat)))
                actors.append(seat)
            state.apply_actions(actions[-2:])
            continue
        if player == pyspiel.PlayerId.CHANCE:
            outcomes, weights = zip(*state.chance_outcomes())
            if verbatim:
                states.append({"t": len(actions), "p": -1, "n": len(outcomes), "state": str(state)})
            action = rng.choices(outcomes, weights)[0]
        else:
            states.append(decision(state, player, len(actions), verbatim))
            action = rng.choice(state.legal_actions())
        actions.append(action)
        actors.append(int(player))
        state.apply_action(action)
    end = {"state": str(state), **{f"info{seat}": state.information_state_string(seat) for seat in range(2)}}
    if not verbatim:
        end = {key: shorten(text) for key, text in end.items()}
    return {
        "game": spec, "policy": "uniform", "seed": seed, "full": verbatim, "actions": actions, "actors": actors,
        "states": states, "returns": state.returns(), "terminal" if verbatim else "terminal_h": end,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--verbatim", type=int, default=24)
    parser.add_argument("--only", help="a single variant", choices=VARIANTS)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for index, (variant, spec) in enumerate(VARIANTS.items()):
        if args.only not in (None, variant):
            continue
        lines = []
        for idx in range(args.games):
            game = play(spec, (index + 1) * 100_000 + idx, idx < args.verbatim)
            lines.append(json.dumps({**game, "idx": idx, "variant": variant}, ensure_ascii=False, separators=(",", ":")) + "\n")
        # No time of writing in the file, so that the same games give the same bytes.
        (args.out / f"{variant}.jsonl.gz").write_bytes(gzip.compress("".join(lines).encode(), 9, mtime=0))
        print(f"{variant}: {args.games} games")


if __name__ == "__main__":
    main()
