//! The rules of each game, told in our own words.
//!
//! The original's prose belongs to its authors; a client that needs it takes it from a real sidecar.

/// Rules of a game by its short name; empty for a game without any here.
pub fn of(game: &str) -> &'static str {
    match game {
        "leduc_poker" => LEDUC,
        "liars_dice" => LIARS,
        "gin_rummy" => GIN,
        "kuhn_poker" => KUHN,
        "othello" => OTHELLO,
        "clobber" => CLOBBER,
        "goofspiel" => GOOFSPIEL,
        _ => "",
    }
}

const LEDUC: &str = "\
LEDUC POKER

Cards: two each of J, Q and K (J♠ J♥ Q♠ Q♥ K♠ K♥). You hold one card that only you see.
Stakes: both players own 100 chips and pay 1 into the pot before the deal.
Betting: Player 0 speaks first in both rounds. A raise adds 2 chips in round 1 and 4 chips in round 2, and there are at most two raises in a round.
- Fold gives up the pot; it is offered only when you owe chips.
- Call pays what you owe, or checks when you owe nothing.
- Raise pays what you owe and then raises.
Between the rounds one public card is turned up.
Showdown: a card that pairs the public card wins; otherwise the higher rank wins (K over Q over J); equal ranks share the pot.
Your result is the number of chips you win or lose.";

const LIARS: &str = "\
LIAR'S DICE

Both players roll their dice in secret. The players then bid in turn, Player 0 first.
A bid q-f claims that among the dice of both players at least q show face f. A six is wild and counts for every face; a bid on sixes counts sixes only.
Each bid must go above the last one: a larger q with any face, or the same q with a higher face.
Instead of bidding you may answer the last bid with Liar. All dice are then shown: if the claim holds the bidder wins, else the player who said Liar wins. That ends the game.";

const GIN: &str = "\
GIN RUMMY

Aim: arrange your hand in melds and keep the points outside of them, the deadwood, low.
A meld is three or four cards of one rank, or three or more cards in sequence of one suit. The ace is low only.
Points: ace 1, number cards their number, T, J, Q and K 10 each.
Cards are written rank then suit: ranks A 2 3 4 5 6 7 8 9 T J Q K, suits s c d h. Card ids run from 0 to 51 by suit s, c, d, h and from ace to king.

Phases:
1. FirstUpcard: take the upcard (52) or pass (54). If both pass, Player 0 draws from the stock.
2. Draw: take the upcard (52) or the top card of the stock (53).
3. Discard: throw one card by its id, or knock (55) if your deadwood can be brought to the knock card's value or below.
4. Knock: the knocker discards and lays melds one at a time, then passes (54).
5. Layoff: the other player may add cards to the knocker's melds, then lays melds of their own; 54 ends either part. Nothing can be laid off on a hand without deadwood.
6. Wall: with two cards left in the stock, pass (54) for a draw, or knock if possible.

Score: the knocker wins the difference in deadwood, and 25 more for no deadwood at all (gin). If the other player has less deadwood, that player wins the difference and 25 more. The hand is a draw if nobody knocks, if the same upcard goes back and forth, or after 50 upcards have been taken.

Answer with the number of an action, never with a card's name.";

const KUHN: &str = "\
KUHN POKER

Cards: one J, one Q and one K. Each player pays 1 chip and is dealt one card that only they see.
Player 0 speaks first. Pass checks, or folds when facing a bet; Bet puts in 1 chip, or calls a bet.
A fold gives the pot to the other player. Otherwise, after two passes or a called bet, the higher card wins (K over Q over J).
Your result is the number of chips you win or lose.";

const OTHELLO: &str = "\
OTHELLO

Board: 8 by 8 squares, columns a to h from the left and rows 1 to 8 from the top. Player 0 has the black discs (x) and moves first, Player 1 has the white ones (o); an empty square is a dash.
Move: put a disc of your colour on an empty square so that one or more discs of the other colour lie in an unbroken line, straight or diagonal, between it and another disc of yours. All discs in all such lines turn to your colour. A move that turns nothing is not allowed.
If you have no such move you pass (64), and only then.
End: the game is over when neither player can move. More discs win; equal numbers draw.
Action ids count the squares along the rows: a1 is 0, b1 is 1, h8 is 63.";

const CLOBBER: &str = "\
CLOBBER

Board: a rectangle with columns named by letters from the left and rows numbered from below, filled with stones of both colours in turn. Player 0 has the white stones (o) and moves first, Player 1 has the black ones (x); an empty cell is a dot.
Move: take one of your stones and put it on a stone of the other player right above, right of, below or left of it. That stone leaves the board and the cell yours came from stays empty. There are no other moves.
End: a player who cannot move loses; there are no draws.
An action is written as two cells, from and to: a1a2 moves the stone on a1 to a2.";

const GOOFSPIEL: &str = "\
GOOFSPIEL

Both players hold the cards 1 to N to bid with. The prizes are another set of cards 1 to N in random order.
Each round one prize is turned up and both players bid one card of their hand at the same time. The higher bid wins as many points as the prize shows; equal bids win nothing. Both cards are spent.
After N rounds the player with more points wins; equal points draw. The last round plays itself.
The action id of a bid is the card's number minus one.";
