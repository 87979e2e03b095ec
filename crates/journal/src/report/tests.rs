//! What the page holds, and what it never does.

use super::{Curve, Point, ReferenceLine, RunReport, SummaryRow, html};

fn report() -> RunReport {
    let points = (1..=60).map(|step| {
        let progress = step as f64 / 60.0;
        Point {
            step,
            episodes: step * 256,
            mean_return: -1.7 + 2.6 * progress,
            zero_signal: 0.2,
            illegal_rate: 0.05 * (1.0 - progress),
            turns: 2.4,
            tok_s: 5000.0,
            entropy: 1.0 - 0.4 * progress,
            loss: -0.01,
            nash_conv: (step % 10 == 0).then_some(4.7 - 2.5 * progress),
        }
    });
    RunReport {
        title: "Leduc <poker>".to_owned(),
        subtitle: "pico model & GRPO".to_owned(),
        seed: 1,
        device: "cpu".to_owned(),
        elapsed_s: 432.1,
        summary: vec![SummaryRow {
            label: "mean return".to_owned(),
            before: "−1.70".to_owned(),
            after: "+0.90".to_owned(),
            goal: "≥ +0.70".to_owned(),
            passed: Some(true),
        }],
        references: vec![ReferenceLine { label: "always call".to_owned(), value: 0.19 }],
        points: points.collect(),
        curves: vec![Curve {
            name: "exam/<leduc>".to_owned(),
            note: "share of the games".to_owned(),
            is_share: true,
            values: vec![(0.0, 0.4), (50.0, 0.8)],
            references: Vec::new(),
        }],
        hands_before: vec!["J♠ | raise".to_owned()],
        hands_after: vec!["K♥ | <call>".to_owned()],
        config_toml: "[run]\nseed = 1\n".to_owned(),
    }
}

#[test]
fn the_page_shows_every_part_of_the_run() {
    let page = html(&report());
    for part in [
        "Leduc &lt;poker&gt;",
        "7 min 12 s",
        "15,360",
        "✓ reached",
        "always call +0.19",
        "NashConv",
        "seed = 1",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<svg").count(), 7);
    assert!(page.contains("exam/&lt;leduc&gt;") && page.contains("80 %"));
    assert_eq!(page.matches("<tr><td>").count(), 60);
    assert!(page.contains("J♠ | raise") && page.contains("K♥ | &lt;call&gt;"));
}

#[test]
fn a_run_without_episodes_does_not_count_them() {
    let page = html(&RunReport { points: Vec::new(), ..report() });
    assert!(!page.contains("episodes") && !page.contains("Learning curve") && page.contains("Curves"));
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = html(&report()).replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "src=", "<script", "<link", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn every_colour_of_a_chart_has_its_rule_in_the_style_sheet() {
    let page = html(&report());
    let (style, body) = page.split_once("</style>").unwrap();
    for attribute in ["fill=\"#", "stroke=\"#"] {
        for (start, _) in body.match_indices(attribute) {
            let colour = &body[start..start + attribute.len() + 7];
            assert!(style.contains(&format!("[{colour}]")), "{colour}");
        }
    }
}

#[test]
fn an_empty_run_is_a_page_without_charts() {
    let page = html(&RunReport { title: "nothing yet".to_owned(), ..RunReport::default() });
    assert!(page.contains("nothing yet") && !page.contains("<svg") && !page.contains("<table"));
}

#[test]
fn odd_figures_do_not_break_the_charts() {
    let point = |step, mean_return| Point { step, mean_return, ..Point::default() };
    for points in
        [vec![point(1, 0.0)], vec![point(1, f64::NAN), point(2, 1.0)], vec![point(1, f64::INFINITY)]]
    {
        let page = html(&RunReport { points, ..RunReport::default() });
        assert!(page.ends_with("</html>\n"));
    }
}

#[test]
fn equal_runs_give_equal_pages() {
    assert_eq!(html(&report()), html(&report()));
}
