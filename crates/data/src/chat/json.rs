//! The `tojson` filter as Python's `json.dumps(value, ensure_ascii=False)` writes it.

use std::io;

use minijinja::value::{Kwargs, Value};
use minijinja::{Error, ErrorKind};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// JSON text: `", "` and `": "` on one line, or indented by `indent` spaces.
pub(super) fn to_json(value: Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent")?;
    let mut bytes = Vec::new();
    let written = match indent {
        Some(width) => {
            let spaces = " ".repeat(width);
            write(&value, &mut bytes, PrettyFormatter::with_indent(spaces.as_bytes()))
        }
        None => write(&value, &mut bytes, PythonFormatter),
    };
    written.map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    let text = String::from_utf8(bytes).expect("serde_json writes UTF-8");
    Ok(Value::from_safe_string(text))
}

fn write<F: Formatter>(value: &Value, bytes: &mut Vec<u8>, formatter: F) -> Result<(), serde_json::Error> {
    value.serialize(&mut Serializer::with_formatter(bytes, formatter))
}

/// One line with Python's default separators.
struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

/// JSON text on one line with Python's separators, characters beyond ASCII as they are.
pub(crate) fn to_python_json(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let written = value.serialize(&mut Serializer::with_formatter(&mut bytes, PythonFormatter));
    written.expect("JSON values serialize, and a vector takes any bytes");
    String::from_utf8(bytes).expect("serde_json writes UTF-8")
}
