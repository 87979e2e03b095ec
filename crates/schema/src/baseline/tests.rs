//! What a baseline file may hold, right and wrong.

use super::{BaselineStats, without_nan};

#[test]
fn known_fields_are_read_and_unknown_ones_ignored() {
    let text = r#"{"task_type":"instruct","future":1,
        "dataset":{"total_tokens":1200,"seq_length_distribution":{"mean":40.5,"p99":90,"max":120},"bits_per_byte":null},
        "weights":{"by_group":{"attention":{"weight_rms":0.02,"weight_norm":12.5,"max_abs":0.4}}},
        "training":{"init_loss":NaN,"masked_completion_loss":2.5,"baseline_reward_scores":{"f":0.5}},
        "throughput":null}"#;
    let stats = BaselineStats::from_json(text).unwrap();
    let dataset = stats.dataset.unwrap();
    assert_eq!(dataset.total_tokens, Some(1200.0));
    assert_eq!(dataset.bits_per_byte, None);
    assert_eq!(dataset.seq_length_distribution.unwrap().p99, Some(90.0));
    assert_eq!(stats.weights.unwrap().by_group.unwrap()["attention"].weight_rms, Some(0.02));
    let training = stats.training.unwrap();
    assert_eq!((training.init_loss, training.masked_completion_loss), (None, Some(2.5)));
    assert_eq!(stats.throughput, None);
}

#[test]
fn a_field_of_the_wrong_type_costs_only_itself() {
    let text = r#"{"task_type":5,"dataset":{"total_tokens":"many","vocab_size":32000},"training":[],
        "env_stats":{"leduc_poker":{"mean_score":0.4}}}"#;
    let stats = BaselineStats::from_json(text).unwrap();
    assert_eq!(stats.task_type, None);
    let dataset = stats.dataset.unwrap();
    assert_eq!((dataset.total_tokens, dataset.vocab_size), (None, Some(32000.0)));
    assert_eq!(stats.training.and_then(|training| training.init_loss), None);
    assert_eq!(stats.env_stats.unwrap()["leduc_poker"].mean_score, Some(0.4));
    assert_eq!(BaselineStats::from_json("[]").unwrap(), BaselineStats::default());
    assert!(BaselineStats::from_json("{").is_err());
}

#[test]
fn not_a_number_is_absent_only_outside_of_strings() {
    assert_eq!(
        without_nan(r#"{"a":NaN,"b":"NaN \" NaN","c":[-Infinity,Infinity]}"#),
        r#"{"a":null,"b":"NaN \" NaN","c":[null,null]}"#
    );
}
