use super::{Faults, Latency, Outcome};

const FAULTS: Faults =
    Faults { latency: Latency::Exponential(5.0), error_rate: 0.05, drop_rate: 0.1, hang_rate: 0.02, seed: 7 };

#[test]
fn a_rerun_meets_the_same_faults_and_another_seed_others() {
    let fates =
        |faults: &Faults| -> Vec<_> { (0..200).map(|turn| faults.fate(200_000_001, 5, turn)).collect() };
    assert_eq!(fates(&FAULTS), fates(&FAULTS));
    assert_ne!(fates(&FAULTS), fates(&Faults { seed: 8, ..FAULTS }));
    assert_ne!(FAULTS.fate(1, 2, 3), FAULTS.fate(2, 1, 3));
}

#[test]
fn faults_come_at_their_rates() {
    let n = 20_000;
    let fates: Vec<_> = (0..n).map(|turn| FAULTS.fate(1, 1, turn)).collect();
    let share = |outcome| fates.iter().filter(|fate| fate.outcome == outcome).count() as f64 / n as f64;
    for (outcome, rate) in [
        (Outcome::Fail, 0.05),
        (Outcome::Hang, 0.02),
        (Outcome::DropBefore, 0.05),
        (Outcome::DropAfter, 0.05),
    ] {
        assert!((share(outcome) - rate).abs() < 0.006, "{outcome:?}: {}", share(outcome));
    }
    let mean_ms = fates.iter().map(|fate| fate.delay.as_secs_f64() * 1e3).sum::<f64>() / n as f64;
    assert!((mean_ms - 5.0).abs() < 0.2, "{mean_ms}");
}

#[test]
fn a_latency_is_written_as_a_distribution() {
    assert_eq!("const:5".parse::<Latency>().unwrap(), Latency::Constant(5.0));
    assert_eq!("exp:2.5".parse::<Latency>().unwrap(), Latency::Exponential(2.5));
    assert_eq!(
        "lognormal:50,0.5".parse::<Latency>().unwrap(),
        Latency::LogNormal { median: 50.0, sigma: 0.5 }
    );
    for wrong in ["5", "const:", "const:-1", "exp:1,2", "lognormal:3", "const:inf", "uniform:1,2"] {
        let error = wrong.parse::<Latency>().unwrap_err().to_string();
        assert!(error.contains(wrong), "{error}");
    }
}

#[test]
fn rates_that_are_no_shares_are_refused() {
    let faults =
        |error_rate, drop_rate, hang_rate| Faults { error_rate, drop_rate, hang_rate, ..Faults::default() };
    for fine in [Faults::default(), FAULTS, faults(1.0, 0.0, 0.0), faults(0.7, 0.2, 0.1)] {
        fine.check().unwrap();
    }
    for wrong in
        [faults(-0.1, 0.0, 0.0), faults(0.0, 1.1, 0.0), faults(0.0, 0.0, f64::NAN), faults(0.5, 0.3, 0.3)]
    {
        let error = wrong.check().unwrap_err().to_string();
        assert!(error.contains("together at most 1"), "{error}");
    }
}
