use std::time::Instant;

use super::*;

fn session() -> SqlSession {
    let script = "create table pets (name text, age integer, weight real);
        insert into pets values ('Rex', 3, 7.5), ('Mia', 5, 4.0), ('O''Hara', null, 1.25);";
    Database::from_script(script).unwrap().session().unwrap()
}

fn rows(texts: &[&str]) -> Answer {
    Answer::Rows(texts.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn rows_are_shown_as_python_shows_them() {
    let see = |sql: &str| session().query(sql).to_string();
    assert_eq!(
        see("select name, age from pets order by age desc"),
        "[('Mia', 5), ('Rex', 3), (\"O'Hara\", None)]"
    );
    assert_eq!(see("select weight from pets limit 2"), "[(7.5,), (4.0,)]");
    assert_eq!(see("select 1 where 0"), "[]");
    assert_eq!(see("select x'00ff', 'a\nb'"), "[(b'\\x00\\xff', 'a\\nb')]");
    let failed = see("select height from pets");
    assert_eq!(failed, "Error executing query: no such column: height");
}

#[test]
fn a_session_can_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.db");
    let attach = format!("attach database '{}' as other", file.display());
    let forbidden = [
        "delete from pets",
        "insert into pets values ('x', 1, 1)",
        "create table t (x)",
        "create temp table t (x)",
        "drop table pets",
        "pragma journal_mode = off",
        "pragma writable_schema = 1",
        "begin",
        "vacuum into '/tmp/escaped_by_sqlite.db'",
        "select load_extension('x')",
        attach.as_str(),
    ];
    let session = session();
    for sql in forbidden {
        assert!(matches!(session.query(sql), Answer::Failed(_)), "{sql}: {}", session.query(sql));
    }
    assert!(!file.exists());
    assert_eq!(session.query("select count(*) from pets"), rows(&["(3,)"]));
}

#[test]
fn work_rows_and_values_are_bounded() {
    let session = session();
    let counter = "with recursive n(x) as (select 1 union all select x + 1 from n";
    let started = Instant::now();
    assert_eq!(
        session.query(&format!("{counter}) select count(*) from n")),
        Answer::Failed("interrupted".to_owned())
    );
    assert!(started.elapsed() < Duration::from_secs(60));
    let many = session.query(&format!("{counter} limit 20000) select x from n"));
    assert_eq!(many.to_string(), "Error executing query: more than 10000 rows");
    assert!(matches!(session.query("select zeroblob(2000000)"), Answer::Failed(_)));
    assert_eq!(session.query("select 1"), rows(&["(1,)"]), "the next query has its own budget");
}

#[test]
fn a_file_is_copied_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pets.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("create table t (x); insert into t values (7)")
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let session = Database::open(&path).unwrap().session().unwrap();
    assert_eq!(session.query("select x from t"), rows(&["(7,)"]));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(matches!(Database::open(&folder.path().join("none.db")), Err(SqlError::File { .. })));
}

#[test]
fn rewards_are_overlap_times_order() {
    let check = |agent: &[&str], gold: &[&str], want: f64| {
        let got = sql_reward(&rows(agent), &rows(gold));
        assert!((got - want).abs() < 1e-9, "{agent:?} and {gold:?}: {got}, not {want}");
    };
    check(&["a", "b", "c"], &["a", "b", "c"], 1.0);
    check(&["c", "b", "a"], &["a", "b", "c"], -1.0);
    // Of three pairs two agree: tau = 1/3.
    check(&["b", "a", "c"], &["a", "b", "c"], 0.33);
    // One of three rows in common: a single row has no order.
    check(&["a", "x"], &["a", "b"], 0.33);
    // Two of four, in order.
    check(&["a", "b", "x"], &["a", "b", "c"], 0.5);
    // Counted as often as they occur: 1 of 2.
    check(&["a", "a"], &["a"], 0.5);
    check(&[], &[], 1.0);
    check(&[], &["a"], 0.0);
    assert_eq!(sql_reward(&Answer::Nothing, &rows(&[])), 0.0);
    assert_eq!(sql_reward(&Answer::Failed("x".to_owned()), &rows(&["a"])), 0.0);
}
