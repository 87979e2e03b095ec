//! The page itself: sections in order of interest, each a small function from figures to HTML.

use std::fmt::Write;

use super::chart::{self, Spec, Unit};
use super::{Curve, Point, ReferenceLine, RunReport, SummaryRow};

const CSS: &str = include_str!("page.css");
/// Full width of a desktop page, and a phone's; both are drawn and the style sheet shows the one that fits.
const WIDE: (u32, u32) = (920, 380);
const NARROW: (u32, u32) = (380, 320);
const SMALL: (u32, u32) = (380, 220);

/// The whole page as text, to be written as `report.html`.
pub fn html(report: &RunReport) -> String {
    let mut page = String::new();
    let title = escape(&report.title);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<main>\n"
    );
    page.push_str(&header(report));
    page.push_str(&summary(&report.summary));
    page.push_str(&charts(report));
    page.push_str(&curves(&report.curves));
    page.push_str(&hands(report));
    page.push_str(&steps(&report.points));
    page.push_str(&configuration(&report.config_toml));
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn header(report: &RunReport) -> String {
    let episodes = report.points.last().map_or(0, |point| point.episodes);
    let facts = [
        ("device", escape(&report.device)),
        ("seed", report.seed.to_string()),
        ("steps", report.points.len().to_string()),
        ("episodes", thousands(episodes)),
        ("time", duration(report.elapsed_s)),
    ];
    // A run without episodes says in other words how long it was.
    let is_shown = |name: &str| !report.points.is_empty() || !matches!(name, "steps" | "episodes");
    let facts: String = facts
        .iter()
        .filter(|(name, _)| is_shown(name))
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>"))
        .collect();
    let (title, subtitle) = (escape(&report.title), escape(&report.subtitle));
    format!("<header>\n<h1>{title}</h1>\n<p>{subtitle}</p>\n<dl class=\"facts\">{facts}</dl>\n</header>\n")
}

fn summary(rows: &[SummaryRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    for row in rows {
        let mark = match row.passed {
            Some(true) => "<span class=\"good\">✓ reached</span>",
            Some(false) => "<span class=\"bad\">✗ missed</span>",
            None => "",
        };
        let [label, before, after, goal] =
            [&row.label, &row.before, &row.after, &row.goal].map(|text| escape(text));
        let _ = writeln!(
            body,
            "<tr><th scope=\"row\">{label}</th><td>{before}</td><td class=\"after\">{after}</td><td>{goal}</td><td>{mark}</td></tr>"
        );
    }
    format!(
        "<section>\n<h2>Result</h2>\n<div class=\"scroll\"><table class=\"summary\">\n<thead><tr><th></th><th>before</th>\
         <th>after</th><th>goal</th><th></th></tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n</section>\n"
    )
}

fn charts(report: &RunReport) -> String {
    let points = &report.points;
    let returns = series(points, |point| Some(point.mean_return));
    let hero = |size| Spec {
        values: &returns,
        references: &report.references,
        smoothed: true,
        size,
        unit: Unit::Signed,
    };
    let (Some(wide), Some(narrow)) = (chart::svg(hero(WIDE)), chart::svg(hero(NARROW))) else {
        return String::new();
    };
    let small: String = [
        small_chart(
            "NashConv",
            "exact, 0 is an equilibrium",
            &series(points, |point| point.nash_conv),
            Unit::Plain,
        ),
        small_chart(
            "Illegal actions",
            "share of turns",
            &series(points, |point| Some(point.illegal_rate)),
            Unit::Percent,
        ),
        small_chart(
            "Zero-signal groups",
            "all rewards equal",
            &series(points, |point| Some(point.zero_signal)),
            Unit::Percent,
        ),
        small_chart("Entropy", "nats per token", &series(points, |point| Some(point.entropy)), Unit::Plain),
    ]
    .concat();
    format!(
        "<section>\n<h2>Learning curve</h2>\n<figure class=\"hero\" role=\"img\" aria-label=\"Mean return by step\">\n\
         <div class=\"wide\">{wide}</div>\n<div class=\"narrow\">{narrow}</div>\n\
         <figcaption>Mean return by optimizer step, chips per hand. Dots are single steps, the line is the mean of \
         nine neighbours{}.</figcaption>\n</figure>\n<div class=\"grid\">\n{small}</div>\n</section>\n",
        reference_note(&report.references),
    )
}

fn reference_note(references: &[ReferenceLine]) -> &'static str {
    if references.is_empty() { "" } else { "; horizontal lines are known players" }
}

fn curves(curves: &[Curve]) -> String {
    let chart = |curve: &Curve| {
        let unit = if curve.is_share { Unit::Percent } else { Unit::Plain };
        let [name, note] = [&curve.name, &curve.note].map(|text| escape(text));
        chart_of(&name, &note, (&curve.values, &curve.references), unit)
    };
    let charts: String = curves.iter().map(chart).collect();
    if charts.is_empty() {
        return charts;
    }
    format!("<section>\n<h2>Curves</h2>\n<div class=\"grid\">\n{charts}</div>\n</section>\n")
}

fn small_chart(name: &str, note: &str, values: &[(f64, f64)], unit: Unit) -> String {
    chart_of(name, note, (values, &[]), unit)
}

fn chart_of(
    name: &str,
    note: &str,
    (values, references): (&[(f64, f64)], &[ReferenceLine]),
    unit: Unit,
) -> String {
    let spec = Spec { values, references, smoothed: values.len() > 40, size: SMALL, unit };
    let Some(svg) = chart::svg(spec) else {
        return String::new();
    };
    format!(
        "<figure role=\"img\" aria-label=\"{name} by step\">\n<figcaption><b>{name}</b> {note}</figcaption>\n{svg}</figure>\n"
    )
}

fn series(points: &[Point], value: impl Fn(&Point) -> Option<f64>) -> Vec<(f64, f64)> {
    points.iter().filter_map(|point| Some((point.step as f64, value(point)?))).collect()
}

fn hands(report: &RunReport) -> String {
    let column = |name: &str, hands: &[String]| {
        let hands: String =
            hands.iter().map(|hand| format!("<pre>{}</pre>\n", escape(hand.trim_end()))).collect();
        if hands.is_empty() { hands } else { format!("<div>\n<h3>{name}</h3>\n{hands}</div>\n") }
    };
    let columns =
        column("Before training", &report.hands_before) + &column("After training", &report.hands_after);
    if columns.is_empty() {
        return columns;
    }
    format!("<section>\n<h2>Sample hands</h2>\n<div class=\"hands\">\n{columns}</div>\n</section>\n")
}

fn steps(points: &[Point]) -> String {
    if points.is_empty() {
        return String::new();
    }
    let mut body = String::new();
    for point in points {
        let Point {
            step,
            episodes,
            mean_return,
            zero_signal,
            illegal_rate,
            turns,
            tok_s,
            entropy,
            loss,
            nash_conv,
        } = point;
        let cells = [
            step.to_string(),
            thousands(*episodes),
            format!("{mean_return:+.3}").replace('-', "−"),
            nash_conv.map_or_else(String::new, |value| format!("{value:.3}")),
            format!("{:.1} %", 100.0 * illegal_rate),
            format!("{:.0} %", 100.0 * zero_signal),
            format!("{turns:.2}"),
            format!("{entropy:.3}"),
            format!("{loss:+.4}").replace('-', "−"),
            format!("{tok_s:.0}"),
        ];
        let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        let _ = writeln!(body, "<tr>{cells}</tr>");
    }
    format!(
        "<section>\n<h2>Steps</h2>\n<div class=\"scroll tall\" tabindex=\"0\"><table>\n<thead><tr><th>step</th><th>episodes</th>\
         <th>return</th><th>NashConv</th><th>illegal</th><th>zero-signal</th><th>turns</th><th>entropy</th><th>loss</th>\
         <th>tok/s</th></tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n</section>\n"
    )
}

fn configuration(toml: &str) -> String {
    if toml.trim().is_empty() {
        return String::new();
    }
    format!(
        "<section>\n<details>\n<summary>Configuration (run.toml)</summary>\n<pre>{}</pre>\n</details>\n</section>\n",
        escape(toml.trim_end())
    )
}

/// Text with the five characters replaced that mean something in HTML.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// `41216` as `41,216`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds as a person says them.
fn duration(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0) as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
