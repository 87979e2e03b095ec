//! CFR+, best response and exploitability against OpenSpiel's figures (traces/README.md).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use games::best_response::{best_response, expected_value, exploitability, nash_conv};
use games::cfr::CfrPlus;
use games::{GameTree, TabularPolicy, load_game};

fn tree(spec: &str) -> GameTree {
    GameTree::new(load_game(spec).unwrap().as_ref()).unwrap()
}

fn close(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "got {got}, want {want} ± {tolerance}");
}

#[test]
fn uniform_play_has_openspiels_value_and_exploitability() {
    let uniform = TabularPolicy::uniform();
    let table = [
        ("kuhn_poker", 0.916_667 / 2.0),
        ("leduc_poker", 2.373_611),
        ("liars_dice(numdice=1)", 0.780_74),
        ("liars_dice(numdice=1,dice_sides=4)", 0.655_06),
        ("liars_dice(numdice=2,dice_sides=3)", 0.739_00),
    ];
    for (spec, want) in table {
        close(exploitability(&tree(spec), &uniform), want, 1e-5);
    }
    close(expected_value(&tree("leduc_poker"), [&uniform, &uniform]), -0.078_125, 1e-9);
}

#[test]
fn cfr_plus_on_leduc_equals_openspiels_at_10_100_and_1000_iterations() {
    let tree = tree("leduc_poker");
    let mut solver = CfrPlus::new(&tree);
    let table = [(10, -0.3553, 0.610_44), (90, -0.084_63, 0.013_416), (900, -0.085_59, 0.000_257)];
    for (iterations, value, exploited) in table {
        solver.run(iterations);
        let average = solver.average_policy();
        close(expected_value(&tree, [&average, &average]), value, 1e-4);
        close(exploitability(&tree, &average), exploited, 1e-5);
    }
}

#[test]
fn cfr_plus_solves_kuhn_and_small_liars_dice() {
    let kuhn = tree("kuhn_poker");
    let mut solver = CfrPlus::new(&kuhn);
    solver.run(1000);
    let average = solver.average_policy();
    close(expected_value(&kuhn, [&average, &average]), -1.0 / 18.0, 1e-4);
    assert!(nash_conv(&kuhn, &average) < 1e-3);

    let liars = tree("liars_dice(numdice=1,dice_sides=4)");
    let mut solver = CfrPlus::new(&liars);
    solver.run(1000);
    let average = solver.average_policy();
    close(expected_value(&liars, [&average, &average]), 0.062_48, 1e-4);
    close(exploitability(&liars, &average), 0.000_045, 1e-5);
}

#[test]
fn the_best_response_gets_the_value_it_promises() {
    let tree = tree("leduc_poker");
    let uniform = TabularPolicy::uniform();
    let responses = [0, 1].map(|seat| best_response(&tree, &uniform, seat));
    close(expected_value(&tree, [&responses[0].policy, &uniform]), responses[0].value, 1e-9);
    close(expected_value(&tree, [&uniform, &responses[1].policy]), -responses[1].value, 1e-9);
    close((responses[0].value + responses[1].value) / 2.0, 2.373_611, 1e-6);
}

#[test]
fn always_raising_gets_what_the_reference_says() {
    let tree = tree("leduc_poker");
    let uniform = TabularPolicy::uniform();
    let raise = TabularPolicy::from_fn(&tree, |infoset| {
        let n = infoset.legal.len();
        (0..n)
            .map(|i| {
                if infoset.legal[i] == 2 || (!infoset.legal.contains(&2) && infoset.legal[i] == 1) {
                    1.0
                } else {
                    0.0
                }
            })
            .collect()
    });
    let mean = (expected_value(&tree, [&raise, &uniform]) - expected_value(&tree, [&uniform, &raise])) / 2.0;
    close(mean, 1.899, 5e-4);
}
