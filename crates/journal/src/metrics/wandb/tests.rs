use super::super::tests::{Field, fields};
use super::*;

/// Records of a log as its reader puts them together; every check must hold.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(bytes[..7], HEADER);
    let (mut at, mut found, mut open, mut is_open) = (7, Vec::new(), Vec::new(), false);
    while at < bytes.len() {
        let room = BLOCK - at % BLOCK;
        if room < PIECE_HEADER {
            assert!(bytes[at..at + room].iter().all(|byte| *byte == 0), "padding");
            at += room;
            continue;
        }
        let length = usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
        let (kind, piece) = (bytes[at + 6], &bytes[at + 7..at + 7 + length]);
        assert!(PIECE_HEADER + length <= room, "a piece crosses a block");
        assert_eq!(bytes[at..at + 4], IEEE.of(&[&[kind], piece]).to_le_bytes());
        assert_eq!(kind == 1 || kind == 2, !is_open, "kind {kind}");
        is_open = kind == 2 || kind == 3;
        open.extend(piece);
        if kind == 1 || kind == 4 {
            found.push(std::mem::take(&mut open));
        }
        at += 7 + length;
    }
    found
}

#[test]
fn records_of_all_lengths_come_back_from_their_blocks() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.wandb");
    let mut log = Log::create(path.clone()).expect("created");
    // The second leaves 9 bytes of its block, the next ones 0 to 8: padding, and pieces without content.
    let mut written: Vec<Vec<u8>> = vec![vec![1; 5], vec![2; BLOCK - 7 - 12 - 7 - 9], vec![3; 100_000]];
    for left in 0..=8 {
        written.push(vec![4; 40]);
        written.push(vec![5; left]);
        written.push(vec![6; 2 * BLOCK - 60 - left]);
    }
    written.iter().for_each(|record| log.append(record).expect("written"));
    let bytes = fs::read(&path).expect("readable");
    assert_eq!(bytes.len(), log.length);
    assert!(records(&bytes) == written);
}

fn run() -> RunName {
    RunName { project: "croupier".to_owned(), name: "t1".to_owned(), started_unix_s: 1_709_210_096.5 }
}

#[test]
fn a_run_lies_where_sync_looks_for_it_and_ends_with_its_exit() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Map::from_iter([("seed".to_owned(), json!(7))]);
    let mut offline = OfflineRun::create(folder.path(), &run(), &config).expect("created");
    let at = |step, seconds: f64| At { step, unix_s: 1_709_210_096.5 + seconds };
    offline.log(at(1, 1.0), &[("loss".to_owned(), 2.5)]).expect("written");
    offline.log(at(1, 2.0), &[("eval".to_owned(), f64::NAN)]).expect("written");
    offline.log(at(2, 3.0), &[("loss".to_owned(), 2.25)]).expect("written");
    // Another phase, whose steps begin anew.
    offline.log(at(1, 4.0), &[("loss".to_owned(), 2.0)]).expect("written");
    let path = offline.log.path.clone();
    let summary = Map::from_iter([("best".to_owned(), json!(2.0))]);
    offline.finish(&summary, 3, 1_709_210_106.5).expect("finished");

    let id = run().id();
    let place = format!("wandb/offline-run-20240229_123456-{id}/run-{id}.wandb");
    assert_eq!(path, folder.path().join(place));
    let found = records(&fs::read(path).expect("readable"));
    let kinds: Vec<u64> = found.iter().map(|record| fields(record)[1].0).collect();
    assert_eq!(kinds, [RUN, HISTORY, HISTORY, HISTORY, SUMMARY, EXIT]);
    let inner = |idx: usize| fields(fields(&found[idx])[1].1.bytes());
    let row = |idx: usize| -> Map<String, Value> {
        let items = inner(idx).into_iter().filter(|(field, _)| *field == ITEM);
        items
            .map(|(_, item)| {
                let item = fields(item.bytes());
                let value = serde_json::from_slice(item[1].1.bytes()).expect("JSON");
                (String::from_utf8(item[0].1.bytes().to_vec()).expect("text"), value)
            })
            .collect()
    };
    assert_eq!(
        Value::Object(row(1)),
        json!({"loss": 2.5, "eval": "NaN", "step": 1, "_step": 0, "_runtime": 1.0, "_timestamp": 1_709_210_097.5})
    );
    assert_eq!([&row(2)["_step"], &row(3)["_step"]], [&json!(1), &json!(2)]);
    assert_eq!([&row(2)["step"], &row(3)["step"]], [&json!(2), &json!(1)]);
    assert_eq!(inner(5), [(1, Field::Int(3)), (2, Field::Int(10))]);
}

#[test]
fn days_are_those_of_the_calendar() {
    for (unix_s, expected) in [
        (0, "19700101_000000"),
        (951_782_399, "20000228_235959"),
        (951_782_400, "20000229_000000"),
        (1_735_689_599, "20241231_235959"),
        (4_107_542_400, "21000301_000000"),
    ] {
        assert_eq!(timestamp(unix_s), expected);
    }
}
