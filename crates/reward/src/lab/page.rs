//! A self-contained page of figures: no scripts, no fonts, no network.

use std::fmt::Write;

use super::Distribution;

const CSS: &str = include_str!("page.css");

/// A page in the making.
#[derive(Debug)]
pub(super) struct Page {
    title: String,
    head: String,
    facts: String,
    rows: String,
    figures: String,
    texts: String,
}

impl Page {
    pub(super) fn new(title: &str, subtitle: &str) -> Self {
        let head = format!("<h1>{}</h1>\n<p class=\"sub\">{}</p>\n", escape(title), escape(subtitle));
        Self {
            title: escape(title),
            head,
            facts: String::new(),
            rows: String::new(),
            figures: String::new(),
            texts: String::new(),
        }
    }

    /// A named value at the top.
    pub(super) fn fact(&mut self, name: &str, value: impl AsRef<str>) {
        let (name, value) = (escape(name), escape(value.as_ref()));
        let _ = write!(self.facts, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }

    /// A row of the table of distributions.
    pub(super) fn distribution(&mut self, name: &str, one: &Distribution) {
        let mut cells = format!("<td>{}</td><td>{:.4}</td><td>{:.4}</td>", one.n, one.mean, one.std);
        one.quantiles.iter().for_each(|value| {
            let _ = write!(cells, "<td>{value:.4}</td>");
        });
        let _ = writeln!(self.rows, "<tr><th>{}</th>{cells}</tr>", escape(name));
    }

    /// A chart with its caption, if there is one.
    pub(super) fn figure(&mut self, caption: &str, svg: Option<String>) {
        if let Some(svg) = svg {
            let caption = escape(caption);
            let _ = writeln!(self.figures, "<figure><figcaption>{caption}</figcaption>\n{svg}</figure>");
        }
    }

    /// A heading and text as it stands.
    pub(super) fn text(&mut self, heading: &str, text: &str) {
        let _ = writeln!(self.texts, "<h3>{}</h3>\n<pre>{}</pre>", escape(heading), escape(text));
    }

    pub(super) fn finish(self) -> String {
        let Self { title, head, facts, rows, figures, texts } = self;
        let names = ["", "n", "mean", "std", "min", "25 %", "median", "75 %", "max"];
        let names: String = names.iter().map(|name| format!("<th>{name}</th>")).collect();
        let table = match rows.is_empty() {
            true => String::new(),
            false => format!("<table><thead><tr>{names}</tr></thead>\n<tbody>{rows}</tbody></table>\n"),
        };
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<main>\n{head}<dl>{facts}</dl>\n{table}\
             <div class=\"grid\">\n{figures}</div>\n{texts}</main>\n</body>\n</html>\n"
        )
    }
}

/// Text with the characters replaced that mean something in HTML.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c => safe.push(c),
        }
    }
    safe
}
