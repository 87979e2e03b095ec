use super::*;
use crate::Function;

#[test]
fn a_cache_stays_within_its_capacity_and_keeps_what_is_used() {
    let mut cache = Cache::new(8);
    let function = Function::new("f", "f").digest();
    for n in 0..100_u8 {
        cache.insert(function, [n; 32], f64::from(n));
        assert_eq!(cache.get(function, [0; 32]), Some(0.0), "after {n}");
        assert!(cache.len() <= 8, "{} scores", cache.len());
    }
    assert_eq!(cache.get(function, [50; 32]), None);
    assert_eq!(cache.get(Function::new("g", "g").digest(), [0; 32]), None);
}

#[test]
fn a_row_is_its_completion_and_its_arguments() {
    let batch = |completion: &str, prompt: &str| {
        Batch::new(vec![completion.to_owned()]).with_column("prompts", vec![prompt.into()]).unwrap()
    };
    let digest = |batch: Batch| row_digests(&batch)[0];
    assert_eq!(digest(batch("a", "b")), digest(batch("a", "b")));
    assert_ne!(digest(batch("a", "b")), digest(batch("ab", "")));
    assert_ne!(digest(batch("a", "b")), digest(batch("a", "c")));
}
