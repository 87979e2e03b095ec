//! A game that anybody can solve: two sides take one to three of a heap, and who takes the last one wins.

use super::{Found, Position, SearchBudget, Step, WON, best, hardest, mixed};

#[derive(Clone, Copy, Debug)]
struct Heap(u16);

impl Position for Heap {
    fn moves(&self, into: &mut Vec<Step<Self>>) {
        into.clear();
        into.extend((1..=self.0.min(3)).map(|n| Step { action: n, after: Self(self.0 - n), promise: 0 }));
    }

    fn end(&self, ply: usize) -> i32 {
        ply as i32 - WON - 100
    }

    fn guess(&self) -> Option<i32> {
        (self.0 > 0).then_some(0)
    }

    fn key(&self) -> u64 {
        mixed(self.0.into(), 1)
    }
}

const BUDGET: SearchBudget = SearchBudget { positions: 20_000, table: 1 << 10 };

#[test]
fn heaps_are_solved() {
    for n in 1..=30_u16 {
        let found = best(&Heap(n), BUDGET).unwrap();
        assert_eq!(found.value > 0, n % 4 != 0, "{n}: {found:?}");
        assert!(found.value.abs() >= WON, "{n}: {found:?}");
        if n % 4 != 0 {
            assert_eq!(found.action, n % 4, "{n}");
        }
    }
    assert_eq!(best(&Heap(0), BUDGET), None);
}

#[test]
fn the_budget_is_kept_and_decides() {
    let tiny = best(&Heap(200), SearchBudget { positions: 1, ..BUDGET }).unwrap();
    // Not even one move deep: the move that looks best, of equals the first.
    assert_eq!(tiny, Found { action: 1, value: 0, depth: 0 });
    let more = best(&Heap(200), SearchBudget { positions: 5_000, ..BUDGET }).unwrap();
    assert!(more.depth > 3, "{more:?}");
    assert_eq!(best(&Heap(200), SearchBudget { positions: 5_000, ..BUDGET }), Some(more));
}

#[test]
fn a_tiny_table_changes_nothing_about_what_is_solved() {
    let small = SearchBudget { positions: 200_000, table: 2 };
    for n in [7, 8, 13, 16] {
        assert_eq!(best(&Heap(n), small).unwrap().value > 0, n % 4 != 0, "{n}");
    }
}

#[test]
fn the_hardest_move_of_a_lost_position_leaves_the_fewest_winning_replies() {
    // From four and eight every move loses, if the reply is the right one of up to three.
    for n in [8, 4] {
        let action = hardest(&Heap(n), BUDGET).unwrap();
        let n_winning =
            |left: u16| (1..=left.min(3)).filter(|taken| (left - taken).is_multiple_of(4)).count();
        let share = |left: u16| n_winning(left) as f64 / f64::from(left.min(3));
        let least = (1..=3).map(|taken| share(n - taken)).fold(1.0, f64::min);
        assert_eq!(share(n - action), least, "{action} of {n}");
    }
    assert_eq!(hardest(&Heap(0), BUDGET), None);
}
