use super::*;

#[test]
fn pauses_double_within_their_jitter_and_end() {
    let mut backoff = Backoff::new(Duration::from_millis(100), 3);
    for mean in [100, 200, 400] {
        let pause = backoff.next_pause().expect("three pauses").as_millis();
        assert!((mean / 2..=mean * 3 / 2).contains(&pause), "{pause} ms is not near {mean} ms");
    }
    assert_eq!(backoff.next_pause(), None);
}
