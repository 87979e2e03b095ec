use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn closed(now: Instant) -> Breaker {
    let mut breaker = Breaker::new(3, SECOND, 5 * SECOND, now);
    assert!(breaker.start_probe(now + 60 * SECOND));
    breaker.probe_succeeded();
    breaker
}

#[test]
fn a_new_breaker_is_open_and_due_for_its_first_probe() {
    let now = Instant::now();
    let breaker = Breaker::new(3, SECOND, 5 * SECOND, now);
    assert_eq!(breaker.refusal(), Some("it has not answered `health` yet"));
    assert_eq!(breaker.probe_at(), Some(now));
}

#[test]
fn only_failures_in_a_row_open_it_and_the_reason_is_kept() {
    let now = Instant::now();
    let mut breaker = closed(now);
    for _ in 0..5 {
        assert!(!breaker.failed("500", now));
        assert!(!breaker.failed("500", now));
        assert!(!breaker.succeeded());
    }
    assert_eq!(breaker.refusal(), None);
    assert!(!breaker.failed("500", now));
    assert!(!breaker.failed("500", now));
    assert!(breaker.failed("connection refused", now));
    assert_eq!(breaker.refusal(), Some("3 requests in a row failed, the last one: connection refused"));
    assert_eq!((breaker.probe_at(), breaker.trips()), (Some(now + SECOND), 1));
}

#[test]
fn the_cool_down_doubles_until_a_real_request_succeeds() {
    let now = Instant::now();
    let mut breaker = closed(now);
    let mut pauses = Vec::new();
    for _ in 0..5 {
        (0..3).for_each(|_| _ = breaker.failed("hang", now));
        pauses.push((breaker.probe_at().expect("open") - now).as_secs());
        assert!(breaker.start_probe(now + 60 * SECOND));
        breaker.probe_succeeded();
    }
    assert!(!breaker.succeeded());
    (0..3).for_each(|_| _ = breaker.failed("hang", now));
    pauses.push((breaker.probe_at().expect("open") - now).as_secs());
    assert_eq!(pauses, [1, 2, 4, 5, 5, 1]);
}

#[test]
fn a_failed_probe_opens_it_again_with_its_own_reason() {
    let now = Instant::now();
    let mut breaker = Breaker::new(3, SECOND, 5 * SECOND, now);
    assert!(breaker.start_probe(now + 60 * SECOND));
    assert_eq!(breaker.probe_at(), None);
    breaker.probe_failed("connection refused".to_owned(), now);
    assert_eq!(breaker.snapshot(), BreakerState::Open { reason: "connection refused".to_owned() });
}

#[test]
fn a_blocked_sidecar_is_refused_whatever_its_breaker_says() {
    let mut breaker = closed(Instant::now());
    breaker.block(Some("maintenance".to_owned()));
    assert_eq!(breaker.refusal(), Some("maintenance"));
    breaker.block(None);
    assert_eq!(breaker.refusal(), None);
}

#[test]
fn a_request_that_is_answered_closes_it_and_outdates_the_probe() {
    let now = Instant::now();
    let mut breaker = closed(now);
    (0..3).for_each(|_| _ = breaker.failed("500", now));
    assert!(!breaker.start_probe(now), "not due yet");
    assert!(breaker.start_probe(now + SECOND));
    assert!(breaker.succeeded());
    breaker.probe_failed("late".to_owned(), now);
    assert_eq!(breaker.refusal(), None);
}
