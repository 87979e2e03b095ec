//! Numbers printed by numpy 2.4.6 and by CPython 3.11.7.

use super::{FastRng, PythonRandom, RandomState};

#[test]
fn words_equal_numpys() {
    let mut rng = RandomState::new(42);
    assert_eq!([(); 4].map(|()| rng.next_u32()), [1_608_637_542, 3_421_126_067, 4_083_286_876, 787_846_414]);
    let mut rng = RandomState::new(5489);
    let words: Vec<u32> = (0..1300).map(|_| rng.next_u32()).collect();
    assert_eq!(words[..2], [3_499_211_612, 581_869_302]);
    assert_eq!(words[623..626], [4_020_325_887, 4_178_893_912, 610_818_241], "across the refill");
    assert_eq!(words[1299], 3_163_125_263);
}

#[test]
fn choices_equal_numpys_and_one_option_draws_nothing() {
    let mut rng = RandomState::new(7);
    let chosen: Vec<usize> = (0..12).map(|i| rng.choice(i + 1)).collect();
    assert_eq!(chosen, [0, 1, 0, 1, 3, 3, 4, 1, 7, 8, 9, 10]);
    assert_eq!(rng.random_double(), 0.268_438_980_101_871_17);
    assert_eq!(RandomState::new(u32::MAX).random_double(), 0.097_632_028_994_013_8);
}

#[test]
fn weighted_choices_equal_numpys() {
    let mut rng = RandomState::new(7);
    let chosen: Vec<usize> = (0..16).map(|_| rng.choice_weighted(&[0.1, 0.2, 0.3, 0.4])).collect();
    assert_eq!(chosen, [0, 3, 2, 3, 3, 2, 2, 0, 1, 2, 3, 3, 2, 0, 1, 3]);
}

#[test]
fn a_shuffle_equals_numpys() {
    let mut rng = RandomState::new(7);
    let mut items: Vec<u32> = (0..20).collect();
    rng.shuffle(&mut items);
    assert_eq!(items, [1, 17, 2, 5, 11, 0, 18, 6, 13, 19, 10, 14, 8, 16, 9, 12, 7, 3, 4, 15]);
    assert_eq!(rng.next_u32(), 3_906_674_451, "as many words drawn");
}

proptest::proptest! {
    #[test]
    fn a_shuffle_keeps_every_item(seed: u32, n in 0_usize..200) {
        let mut items: Vec<usize> = (0..n).collect();
        RandomState::new(seed).shuffle(&mut items);
        items.sort_unstable();
        assert!(items.iter().copied().eq(0..n));
    }

    #[test]
    fn choices_stay_below_n(seed: u32, n in 1_usize..5000) {
        assert!(RandomState::new(seed).choice(n) < n);
        assert!(PythonRandom::new(u64::from(seed)).choice(n) < n);
        assert!(FastRng::new(u64::from(seed)).below(n) < n);
        let p = vec![1.0 / n as f64; n];
        assert!(RandomState::new(seed).choice_weighted(&p) < n);
    }

    #[test]
    fn doubles_lie_in_the_unit_interval(seed: u32) {
        assert!((0.0..1.0).contains(&RandomState::new(seed).random_double()));
        assert!((0.0..1.0).contains(&FastRng::new(u64::from(seed)).unit()));
    }
}

#[test]
fn pythons_numbers_equal_pythons() {
    // random.Random(seed): getrandbits(32), random(), randint(1, 1000000), randrange(7), getrandbits(40), randint(5, 5)
    let table: [(u64, u64, f64, u64, usize, u64); 4] = [
        (0, 3_626_764_237, 0.385_245_306_476_610_8, 933_489, 3, 283_641_720_628),
        (42, 2_746_317_213, 0.111_331_068_165_680_39, 777_573, 2, 245_864_938_384),
        (999_999, 902_738_896, 0.244_557_147_603_961_63, 700_588, 5, 909_026_663_120),
        ((1 << 40) + 7, 2_635_837_658, 0.747_324_256_710_084_4, 983_494, 5, 775_543_922_676),
    ];
    for (seed, bits, double, integer, index, long) in table {
        let mut random = PythonRandom::new(seed);
        assert_eq!(random.getrandbits(32), bits, "seed {seed}");
        assert_eq!(random.random(), double, "seed {seed}");
        assert_eq!(random.randint(1, 1_000_000), integer, "seed {seed}");
        assert_eq!(random.choice(7), index, "seed {seed}");
        assert_eq!(random.getrandbits(40), long, "seed {seed}");
        assert_eq!(random.randint(5, 5), 5);
    }
}
