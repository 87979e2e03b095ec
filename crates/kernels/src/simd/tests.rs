use super::*;

struct Exponentials<'a>(&'a [f32], &'a mut [f32], &'a mut [f32]);

impl WithSimd for Exponentials<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(x, e, t) = self;
        map_lanes!(simd, S, [x = x] -> e, exp(simd, x));
        map_lanes!(simd, S, [x = x] -> t, tanh(simd, x));
    }
}

/// Also what the scalar path computes: tests of one process share the switch, so it is tried here alone.
#[test]
fn exp_and_tanh_are_within_a_few_ulp_on_every_path() {
    let x: Vec<f32> = (-20_000..20_000).map(|n| n as f32 * 0.0043).chain([-200.0, -1e30, 88.0]).collect();
    for scalar in [false, true] {
        force_scalar(scalar);
        let (mut e, mut t) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        vectorised(Exponentials(&x, &mut e, &mut t));
        for ((x, e), t) in x.iter().zip(&e).zip(&t) {
            let want = f64::from(*x).exp();
            let error = (f64::from(*e) - want).abs();
            assert!(error <= 4e-7 * want + 1e-37, "exp({x}) = {e}, not {want}");
            let want = f64::from(*x).tanh();
            assert!((f64::from(*t) - want).abs() <= 6e-7 * want.abs(), "tanh({x}) = {t}, not {want}");
        }
    }
    force_scalar(false);
}

#[test]
fn a_nan_stays_one() {
    let x = [f32::NAN, 1.0];
    let (mut e, mut t) = ([0.0; 2], [0.0; 2]);
    vectorised(Exponentials(&x, &mut e, &mut t));
    assert!(e[0].is_nan() && t[0].is_nan(), "{e:?} {t:?}");
    assert!(e[1].is_finite() && t[1].is_finite());
}
