//! The SQL environment: queries on a copy of a database in memory, scored by rows and their order.
//!
//! SQLite instead of the original's MySQL: dialects differ, so scores are SQLite's. A session can read and nothing else;
//! its work, its rows and the length of its values are bounded. No file is opened but the one that the caller names.
//!
//! # Source
//! spec/env_sidecars.md §3.4 and §3.5 point 7.

mod score;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

pub use self::score::sql_reward;

/// Steps of SQLite's machine that one query may take, and how often they are counted.
const MAX_OPERATIONS: u32 = 50_000_000;
const COUNT_EVERY: i32 = 10_000;
/// Rows of an answer; a query that gives more is an error.
const MAX_ROWS: usize = 10_000;
/// Bytes of a value, and of a query.
const MAX_VALUE: i32 = 1 << 20;
const MAX_QUERY: i32 = 64 << 10;
/// What a failed query is answered with, before SQLite's message.
const FAILED: &str = "Error executing query: ";

/// Why there is no database to ask.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// Look at the file.
    #[error("database `{path}`: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Correct the script, or try again with more memory.
    #[error("sqlite: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// A database that sessions start from.
#[derive(Debug)]
pub struct Database {
    master: Connection,
}

/// What a query brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Rows, each as Python shows a tuple.
    Rows(Vec<String>),
    /// The statement has no rows to give.
    Nothing,
    /// SQLite's message.
    Failed(String),
}

impl fmt::Display for Answer {
    /// As the original shows it to the agent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "[{}]", rows.join(", ")),
            Self::Nothing => f.write_str("None"),
            Self::Failed(message) => write!(f, "{FAILED}{message}"),
        }
    }
}

impl Database {
    /// A database made by a script of our own or of whoever runs this.
    ///
    /// # Errors
    /// [`SqlError::Sqlite`].
    pub fn from_script(script: &str) -> Result<Self, SqlError> {
        let master = Connection::open_in_memory()?;
        master.execute_batch(script)?;
        Ok(Self { master })
    }

    /// A copy of the database in a file, which is not changed.
    ///
    /// # Errors
    /// [`SqlError::File`] if it cannot be read.
    pub fn open(path: &Path) -> Result<Self, SqlError> {
        let failed = |source| SqlError::File { path: path.to_owned(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let file = Connection::open_with_flags(path, flags).map_err(failed)?;
        Ok(Self { master: copy_of(&file).map_err(failed)? })
    }

    /// A session on a copy of its own.
    ///
    /// # Errors
    /// [`SqlError::Sqlite`].
    pub fn session(&self) -> Result<SqlSession, SqlError> {
        let connection = copy_of(&self.master)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE)?;
        connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_QUERY)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.authorizer(Some(authorize));
        Ok(SqlSession { connection })
    }
}

/// One episode's connection.
#[derive(Debug)]
pub struct SqlSession {
    connection: Connection,
}

impl SqlSession {
    /// What a query, or the first of several, gives.
    pub fn query(&self, sql: &str) -> Answer {
        let mut counted = 0;
        let count = move || {
            counted += COUNT_EVERY as u32;
            counted > MAX_OPERATIONS
        };
        self.connection.progress_handler(COUNT_EVERY, Some(count));
        match self.rows(sql) {
            Ok(answer) => answer,
            Err(rusqlite::Error::SqliteFailure(_, Some(message))) => Answer::Failed(message),
            Err(rusqlite::Error::SqlInputError { msg, .. }) => Answer::Failed(msg),
            Err(error) => Answer::Failed(error.to_string()),
        }
    }

    fn rows(&self, sql: &str) -> Result<Answer, rusqlite::Error> {
        let mut statement = self.connection.prepare(sql)?;
        let n_columns = statement.column_count();
        let mut texts = Vec::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if texts.len() == MAX_ROWS {
                return Ok(Answer::Failed(format!("more than {MAX_ROWS} rows")));
            }
            let values = (0..n_columns).map(|index| row.get_ref(index).map(python));
            texts.push(tuple(&values.collect::<Result<Vec<String>, _>>()?));
        }
        Ok(if n_columns == 0 { Answer::Nothing } else { Answer::Rows(texts) })
    }
}

fn copy_of(source: &Connection) -> Result<Connection, rusqlite::Error> {
    let mut copy = Connection::open_in_memory()?;
    Backup::new(source, &mut copy)?.run_to_completion(i32::MAX, Duration::ZERO, None)?;
    Ok(copy)
}

/// Reading is allowed, and functions that stay inside.
fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } if function_name != "load_extension" => Authorization::Allow,
        AuthAction::Pragma { pragma_name: "table_info" | "table_list" | "index_list", .. } => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

fn tuple(values: &[String]) -> String {
    match values {
        [only] => format!("({only},)"),
        values => format!("({})", values.join(", ")),
    }
}

/// A value as Python's `repr`.
fn python(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "None".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(bytes) => quoted(&String::from_utf8_lossy(bytes)),
        ValueRef::Blob(bytes) => format!("b'{}'", bytes.escape_ascii()),
    }
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c == quote => shown.extend(['\\', c]),
            c => shown.push(c),
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests;
