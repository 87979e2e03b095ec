use super::Shuffled;

#[test]
fn every_example_comes_once_a_pass_and_passes_differ() {
    let mut order = Shuffled::new(7, 3);
    let first = order.take(7);
    let second = order.take(7);
    for pass in [&first, &second] {
        let mut sorted = pass.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4, 5, 6]);
    }
    assert_ne!(first, second);
    assert_eq!(Shuffled::new(7, 3).take(7), first, "a seed reproduces the order");
}
