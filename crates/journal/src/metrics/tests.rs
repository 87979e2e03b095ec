use std::fs;

use super::checksum::CASTAGNOLI;
use super::*;

/// The value of a field, read without knowing the message.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Int(u64),
    Bits64(u64),
    Bytes(Vec<u8>),
    Bits32(u32),
}

impl Field {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            other => panic!("{other:?} has no bytes"),
        }
    }
}

/// Numbers and values of a message's fields, in order.
pub(super) fn fields(mut bytes: &[u8]) -> Vec<(u64, Field)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let field = match tag & 7 {
            0 => Field::Int(varint(&mut bytes)),
            1 => Field::Bits64(u64::from_le_bytes(take(&mut bytes, 8).try_into().expect("eight"))),
            5 => Field::Bits32(u32::from_le_bytes(take(&mut bytes, 4).try_into().expect("four"))),
            2 => {
                let length = varint(&mut bytes) as usize;
                Field::Bytes(take(&mut bytes, length).to_vec())
            }
            other => panic!("wire type {other}"),
        };
        found.push((tag >> 3, field));
    }
    found
}

fn take<'a>(bytes: &mut &'a [u8], n: usize) -> &'a [u8] {
    let (own, rest) = bytes.split_at(n);
    *bytes = rest;
    own
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let n = bytes.iter().position(|byte| byte & 0x80 == 0).expect("an end") + 1;
    take(bytes, n).iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7F))
}

/// Events of a file; lengths and checks must hold.
fn events(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let masked = |bytes: &[u8]| CASTAGNOLI.of(&[bytes]).rotate_right(15).wrapping_add(0xA282_EAD8);
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight")) as usize;
        assert_eq!(bytes[8..12], masked(&bytes[..8]).to_le_bytes());
        let data = &bytes[12..12 + length];
        assert_eq!(bytes[12 + length..16 + length], masked(data).to_le_bytes());
        found.push(data.to_vec());
        bytes = &bytes[16 + length..];
    }
    found
}

#[test]
fn every_reader_finds_the_same_figures() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunName { project: "p".to_owned(), name: "n".to_owned(), started_unix_s: 1_700_000_000.0 };
    let dir = folder.path().join("w");
    let mut metrics = Metrics::create(folder.path(), &run, &Map::new(), Some(&dir)).expect("created");
    let at = At { step: 300, unix_s: 1_700_000_001.5 };
    metrics
        .log(at, &[("train/loss".to_owned(), 0.5), ("train/lr".to_owned(), f64::INFINITY)])
        .expect("logged");
    metrics.finish(&Map::new(), 0, 1_700_000_002.0).expect("finished");

    let lines: Vec<Value> = crate::read(folder.path().join(METRICS_FILE)).expect("lines");
    assert_eq!(lines, [json!({"step": 300, "unix_s": 1_700_000_001.5, "train/loss": 0.5, "train/lr": null})]);
    let board = fs::read(folder.path().join(format!("{EVENT_FILES}1700000000.croupier"))).expect("a file");
    let found = events(&board);
    assert_eq!(fields(&found[0])[1], (3, Field::Bytes(b"brain.Event:2".to_vec())));
    let event = fields(&found[1]);
    assert_eq!(event[0], (1, Field::Bits64(1_700_000_001.5_f64.to_bits())));
    assert_eq!(event[1], (2, Field::Int(300)));
    let values = fields(event[2].1.bytes());
    let [loss, lr] = [0, 1].map(|idx: usize| fields(values[idx].1.bytes()));
    assert_eq!(loss, [(1, Field::Bytes(b"train/loss".to_vec())), (2, Field::Bits32(0.5_f32.to_bits()))]);
    assert_eq!(lr[1], (2, Field::Bits32(f32::INFINITY.to_bits())));
    let offline = fs::read_dir(dir.join("wandb")).expect("a folder").count();
    assert_eq!(offline, 1);
}

#[test]
fn a_record_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunName { project: "p".to_owned(), name: "n".to_owned(), started_unix_s: 1.0 };
    Metrics::create(folder.path(), &run, &Map::new(), None).expect("created");
    let error = Metrics::create(folder.path(), &run, &Map::new(), None).expect_err("it exists");
    assert!(error.to_string().contains(METRICS_FILE), "{error}");
}
