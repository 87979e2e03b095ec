use super::*;

fn batch(n: usize) -> Batch {
    Batch::new((0..n).map(|idx| idx.to_string()).collect())
}

#[test]
fn a_column_has_one_value_per_completion() {
    let wrong = batch(3).with_column("prompts", vec![json!("a")]);
    assert!(matches!(wrong, Err(Error::ColumnLength { got: 1, want: 3, .. })));
    let right = batch(1).with_column("prompts", vec![json!("a")]).unwrap();
    assert_eq!(right.columns().collect::<Vec<_>>(), [("prompts", &[json!("a")][..])]);
}

#[test]
fn parts_cover_the_batch_and_keep_groups_whole() {
    for (n, group_size, workers, least) in
        [(0, 1, 2, 4), (3, 1, 2, 4), (10, 4, 2, 4), (100, 8, 3, 4), (9, 8, 8, 1)]
    {
        let parts = batch(n).in_groups_of(group_size).parts(workers, least);
        let rows: Vec<usize> = parts.iter().cloned().flatten().collect();
        assert_eq!(rows, (0..n).collect::<Vec<_>>());
        assert!(parts.len() <= workers.max(1));
        assert!(parts.iter().all(|part| part.start % group_size == 0), "{parts:?}");
    }
}

#[test]
fn an_episode_is_its_turns_joined_and_its_columns() {
    let line = json!({"turns": [{"prompt": "p", "completion": "a", "completion_tokens": [1, 2]},
                                {"prompt": "q", "completion": "b", "completion_tokens": [3]}],
                      "extra": {"extra_data": "{\"k\":1}"}});
    let batch = Batch::of_trajectory_values(vec![line.clone()]);
    assert_eq!(batch.completions(), ["a\nb"]);
    let columns: Vec<_> = batch.columns().map(|(name, values)| (name, values[0].clone())).collect();
    let expected = [
        ("prompts", json!("p")),
        ("completion_ids", json!([1, 2, 3])),
        ("extra_data", json!("{\"k\":1}")),
        ("trajectories", line),
    ];
    assert_eq!(columns, expected);
}
