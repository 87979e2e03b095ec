//! Histograms and scatter plots as inline SVG, drawn by `plotters`.
//!
//! As in the run's report, each colour stands for a role and `page.css` gives the role its real colour.

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

const GRID: RGBColor = RGBColor(0x01, 0x01, 0x01);
const LABEL: RGBColor = RGBColor(0x02, 0x02, 0x02);
const SERIES: RGBColor = RGBColor(0x03, 0x03, 0x03);

const SIZE: (u32, u32) = (440, 260);
const BINS: usize = 24;
/// More points than this say nothing more, and make the page heavy.
const MAX_POINTS: usize = 2_000;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Counts of values in equal bins, or `None` if there are none.
pub(super) fn histogram(values: &[f64]) -> Option<String> {
    let (low, high) = range(values.iter().copied())?;
    let width = (high - low) / BINS as f64;
    let mut counts = [0_u32; BINS];
    for value in values {
        counts[(((value - low) / width) as usize).min(BINS - 1)] += 1;
    }
    let most = f64::from(counts.iter().copied().max().unwrap_or(1));
    Some(drawn((low, high), (0.0, 1.05 * most), |chart| {
        let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(bin, count)| {
            let from = low + width * (bin as f64 + 0.06);
            Rectangle::new([(from, 0.0), (from + 0.88 * width, f64::from(*count))], SERIES.filled())
        });
        chart.draw_series(bars)?;
        Ok(())
    }))
}

/// Points, or `None` if there are none.
pub(super) fn scatter(points: &[(f64, f64)]) -> Option<String> {
    let xs = range(points.iter().map(|point| point.0))?;
    let ys = range(points.iter().map(|point| point.1))?;
    let stride = points.len().div_ceil(MAX_POINTS);
    Some(drawn(xs, ys, |chart| {
        chart.draw_series(
            points.iter().step_by(stride).map(|&point| Circle::new(point, 2, SERIES.filled())),
        )?;
        Ok(())
    }))
}

fn drawn(xs: (f64, f64), ys: (f64, f64), series: impl FnOnce(&mut Chart<'_, '_>) -> Drawn) -> String {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        draw(&area, xs, ys, series).expect("drawing into a string cannot fail");
        area.present().expect("a string is always writable");
    }
    text
}

fn draw(
    area: &Area<'_>,
    xs: (f64, f64),
    ys: (f64, f64),
    series: impl FnOnce(&mut Chart<'_, '_>) -> Drawn,
) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(48)
        .build_cartesian_2d(xs.0..xs.1, ys.0..ys.1)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(1))
        .axis_style(GRID.stroke_width(1))
        .label_style(("sans-serif", 15).into_font().color(&LABEL))
        .x_labels(6)
        .y_labels(5)
        .x_label_formatter(&|x| label(*x))
        .y_label_formatter(&|y| label(*y))
        .draw()?;
    series(&mut chart)
}

/// Smallest and largest with a little room; never empty.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values.fold(None, |range: Option<(f64, f64)>, value| {
        Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
    })?;
    let room = if high > low { 0.03 * (high - low) } else { 0.5 };
    Some((low - room, high + room))
}

fn label(value: f64) -> String {
    let text = if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    text.replace('-', "−")
}
