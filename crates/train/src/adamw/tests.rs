use burn::module::{Module, Param};
use burn::tensor::{Device, TensorData};

use super::*;

#[derive(Module, Debug)]
struct Toy {
    matrix: Param<Tensor<2>>,
    vector: Param<Tensor<1>>,
}

fn toy(dtype: DType) -> Toy {
    let device = Device::flex().autodiff();
    let matrix = Tensor::<2>::from_data(TensorData::new(vec![1.0_f32, -2.0], [1, 2]), &device).cast(dtype);
    let vector = Tensor::<1>::from_data(TensorData::new(vec![3.0_f32], [1]), &device).cast(dtype);
    Toy { matrix: Param::from_tensor(matrix.detach()), vector: Param::from_tensor(vector.detach()) }
}

fn gradients(toy: &Toy, matrix: [f32; 2], vector: f32) -> GradientsParams {
    let device = Device::flex();
    let mut gradients = GradientsParams::new();
    gradients
        .register(toy.matrix.id, Tensor::<2>::from_data(TensorData::new(matrix.to_vec(), [1, 2]), &device));
    gradients.register(toy.vector.id, Tensor::<1>::from_data(TensorData::new(vec![vector], [1]), &device));
    gradients
}

fn values(toy: &Toy) -> Vec<f32> {
    let read = |data: TensorData| data.try_to_vec::<f32>().unwrap();
    let matrix = read(toy.matrix.val().inner().into_data_dtype(DType::F32));
    [matrix, read(toy.vector.val().inner().into_data_dtype(DType::F32))].concat()
}

/// Two steps of the same rule on one number, in f64.
fn by_hand(start: f64, gradients: &[f64], lr: f64, decay: f64) -> f64 {
    let (mut weight, mut mean, mut square) = (start, 0.0, 0.0);
    for (idx, gradient) in gradients.iter().enumerate() {
        let n = idx as i32 + 1;
        mean = 0.9 * mean + 0.1 * gradient;
        square = 0.999 * square + 0.001 * gradient * gradient;
        let change = (mean / (1.0 - 0.9_f64.powi(n))) / ((square / (1.0 - 0.999_f64.powi(n))).sqrt() + 1e-8);
        weight = weight * (1.0 - lr * decay) - lr * change;
    }
    weight
}

#[test]
fn two_steps_follow_the_rule_and_only_matrices_decay() {
    let mut optimizer = AdamW::new(AdamWConfig { weight_decay: 0.1, ..AdamWConfig::default() });
    let mut model = toy(DType::F32);
    for (matrix, vector) in [([0.5, -1.0], 2.0), ([0.25, 3.0], -1.0)] {
        let gradients = gradients(&model, matrix, vector);
        model = optimizer.step(model, gradients, 0.01, 1.0);
    }
    let want = [
        by_hand(1.0, &[0.5, 0.25], 0.01, 0.1),
        by_hand(-2.0, &[-1.0, 3.0], 0.01, 0.1),
        by_hand(3.0, &[2.0, -1.0], 0.01, 0.0),
    ];
    for (got, want) in values(&model).into_iter().zip(want) {
        assert!((f64::from(got) - want).abs() < 1e-6, "{got} is not {want}");
    }
}

#[test]
fn a_parameter_without_a_gradient_stays_and_keeps_asking_for_one() {
    let mut model = toy(DType::F32);
    let mut all = gradients(&model, [1.0, 1.0], 1.0);
    all.remove::<1>(model.vector.id);
    model = AdamW::new(AdamWConfig::default()).step(model, all, 0.1, 1.0);
    assert_eq!(values(&model)[2], 3.0);
    assert!(model.matrix.is_require_grad() && model.vector.is_require_grad());
}

#[test]
fn small_steps_of_bf16_weights_add_up() {
    let mut optimizer = AdamW::new(AdamWConfig::default());
    let mut model = toy(DType::BF16);
    for _ in 0..100 {
        let gradients = gradients(&model, [1.0, 1.0], 1.0);
        // Each step is far below half a bf16 ulp of 3.
        model = optimizer.step(model, gradients, 1e-3, 1.0);
    }
    assert_eq!(model.vector.val().dtype(), DType::BF16);
    assert!((values(&model)[2] - 2.9).abs() < 0.01, "{}", values(&model)[2]);
}
