use super::{Lines, SEGMENT_BYTES, Spool};

fn line(n: u64) -> Vec<u8> {
    format!("{n}\n").into_bytes()
}

fn files(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).expect("the spool's folder").count()
}

/// Long enough that eight of them fill a segment.
fn long(n: u8) -> Vec<u8> {
    let mut line = vec![b'0' + n; (SEGMENT_BYTES / 8) as usize];
    line.push(b'\n');
    line
}

#[test]
fn lines_come_back_after_any_cursor_and_as_many_as_fit() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::create(dir.path()).expect("made");
    for n in 1..=5 {
        assert_eq!(spool.append(&line(n)).expect("written"), n);
    }
    let mut read =
        |after, most| spool.read(after, most).expect("read").map(|Lines { bytes, last }| (bytes, last));
    assert_eq!(read(0, 1 << 20), Some((b"1\n2\n3\n4\n5\n".to_vec(), 5)));
    assert_eq!(read(2, 5), Some((b"3\n4\n".to_vec(), 4)));
    assert_eq!(read(4, 0), Some((b"5\n".to_vec(), 5)), "one line comes whatever its length");
    assert_eq!(read(5, 100), Some((Vec::new(), 5)));
}

#[test]
fn acknowledged_segments_are_removed_and_cannot_be_read_any_more() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut spool = Spool::create(dir.path()).expect("made");
    for n in 0..20 {
        spool.append(&long(n % 10)).expect("written");
    }
    let bytes = spool.unacknowledged_bytes();
    assert_eq!((files(dir.path()), bytes), (3, 20 * (SEGMENT_BYTES / 8 + 1)));
    spool.acknowledge(7).expect("freed");
    assert_eq!((files(dir.path()), spool.acknowledged()), (3, 7), "a segment goes as a whole");
    assert_eq!(spool.unacknowledged_bytes(), bytes / 20 * 13);
    spool.acknowledge(9).expect("freed");
    assert_eq!(files(dir.path()), 2);
    assert_eq!(spool.read(3, 10).expect("asked"), None);
    assert_eq!([3, 7, 8, 9].map(|after| spool.is_freed(after)), [true, true, false, false]);
    assert_eq!(spool.read(9, 10).expect("read").expect("still there").bytes, long(9));
    spool.acknowledge(3).expect("nothing to do");
    assert_eq!(spool.acknowledged(), 9, "it never goes back");
    spool.acknowledge(20).expect("freed");
    assert_eq!((files(dir.path()), spool.unacknowledged_bytes()), (1, 0));
    assert_eq!(spool.append(&line(21)).expect("written"), 21);
    assert_eq!(spool.read(20, 10).expect("read").expect("there").bytes, line(21));
}
