//! Line charts as inline SVG, drawn by `plotters`.
//!
//! `plotters` writes plain colours; each colour here stands for a role, and `page.css` gives the role its real colour
//! in light and in dark by matching the attribute.

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::ReferenceLine;

const GRID: RGBColor = RGBColor(0x01, 0x01, 0x01);
const LABEL: RGBColor = RGBColor(0x02, 0x02, 0x02);
const LINE: RGBColor = RGBColor(0x03, 0x03, 0x03);
const RAW: RGBColor = RGBColor(0x04, 0x04, 0x04);
const REFERENCE: RGBColor = RGBColor(0x05, 0x05, 0x05);

/// `plotters` divides font sizes by this before it writes them.
const FONT_SCALE: f64 = 1.24;
/// Steps over which the bold line averages.
const SMOOTHING: usize = 9;
/// Pixels beside a wide plot for the names of reference lines.
const NAMES_WIDTH: i32 = 150;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// What one chart shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec<'a> {
    /// `(step, value)`, ascending; values that are not finite are left out.
    pub(super) values: &'a [(f64, f64)],
    /// Horizontal lines with a name.
    pub(super) references: &'a [ReferenceLine],
    /// Whether single values are noise and their mean is the message.
    pub(super) smoothed: bool,
    /// Pixels at full size.
    pub(super) size: (u32, u32),
    /// How the vertical axis writes a value.
    pub(super) unit: Unit,
}

/// Form of the numbers on the vertical axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// As they are.
    Plain,
    /// With a sign, for returns.
    Signed,
    /// Shares of 1 as per cent.
    Percent,
}

/// The chart as an `<svg>` element, or `None` if there is nothing to draw.
pub(super) fn svg(spec: Spec<'_>) -> Option<String> {
    let values: Vec<(f64, f64)> = spec.values.iter().copied().filter(|(_, y)| y.is_finite()).collect();
    if values.is_empty() {
        return None;
    }
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, spec.size).into_drawing_area();
        draw(&area, &spec, &values).expect("drawing into a string cannot fail");
        area.present().expect("a string is always writable");
    }
    Some(text)
}

fn draw(area: &Area<'_>, spec: &Spec<'_>, values: &[(f64, f64)]) -> Result<(), Box<dyn std::error::Error>> {
    let (xs, ys) = ranges(spec, values);
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(if names_beside(spec) { NAMES_WIDTH } else { 16 })
        .x_label_area_size(26)
        .y_label_area_size(44)
        .build_cartesian_2d(xs.clone(), ys.clone())?;
    draw_mesh(&mut chart, spec)?;
    for line in spec.references {
        let path =
            PathElement::new(vec![(xs.start, line.value), (xs.end, line.value)], REFERENCE.stroke_width(1));
        chart.draw_series(std::iter::once(path))?;
    }
    let smooth = if spec.smoothed { moving_mean(values) } else { values.to_vec() };
    if spec.smoothed {
        chart.draw_series(values.iter().map(|&point| Circle::new(point, 2, RAW.filled())))?;
    }
    chart.draw_series(LineSeries::new(smooth.iter().copied(), LINE.stroke_width(2)))?;
    let last = *smooth.last().expect("there is at least one value");
    chart.draw_series(std::iter::once(Circle::new(last, 4, LINE.filled())))?;
    draw_reference_names(area, &chart, spec)
}

fn draw_mesh(chart: &mut Chart<'_, '_>, spec: &Spec<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let unit = spec.unit;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(1))
        .axis_style(GRID.stroke_width(1))
        .label_style(font(12.0, LABEL))
        .x_labels(if spec.size.0 > 600 { 10 } else { 5 })
        .y_labels(6)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&move |y| label(*y, unit))
        .draw()?;
    Ok(())
}

/// Whether there is room for the names of reference lines beside the plot.
fn names_beside(spec: &Spec<'_>) -> bool {
    spec.size.0 > 600 && !spec.references.is_empty()
}

/// Names at the right end of their lines, pushed apart where lines are close.
fn draw_reference_names(
    area: &Area<'_>,
    chart: &Chart<'_, '_>,
    spec: &Spec<'_>,
) -> Result<(), Box<dyn std::error::Error>> {
    const HEIGHT: i32 = 14;
    let mut sorted: Vec<&ReferenceLine> = spec.references.iter().collect();
    sorted.sort_by(|a, b| b.value.total_cmp(&a.value));
    let (columns, _) = chart.plotting_area().get_pixel_range();
    let (x, anchor) = match names_beside(spec) {
        true => (columns.end + 8, Pos::new(HPos::Left, VPos::Center)),
        false => (columns.end - 4, Pos::new(HPos::Right, VPos::Bottom)),
    };
    let style = font(11.0, REFERENCE).pos(anchor);
    let mut free_from = i32::MIN;
    for line in sorted {
        let (_, line_y) = chart.backend_coord(&(chart.x_range().end, line.value));
        let y = (line_y - 1).max(free_from);
        free_from = y + HEIGHT;
        let text = format!("{} {}", line.label, label(line.value, Unit::Signed));
        area.draw_text(&text, &style, (x, y))?;
    }
    Ok(())
}

fn font(size: f64, color: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size * FONT_SCALE).into_font().color(&color)
}

/// Ranges that hold all values, references and, for shares, zero; never empty.
fn ranges(spec: &Spec<'_>, values: &[(f64, f64)]) -> (std::ops::Range<f64>, std::ops::Range<f64>) {
    let first = values[0].0;
    let last = values.last().map_or(first, |point| point.0);
    let heights = values.iter().map(|point| point.1).chain(spec.references.iter().map(|line| line.value));
    let (mut low, mut high) = heights.fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)));
    if spec.unit != Unit::Signed {
        low = low.min(0.0);
    }
    if high - low < 1e-9 {
        high = low + if spec.unit == Unit::Percent { 0.01 } else { 1.0 };
    }
    let margin = 0.06 * (high - low);
    if low != 0.0 {
        low -= margin;
    }
    (first..last.max(first + 1.0), low..high + margin)
}

/// The mean of up to [`SMOOTHING`] neighbours, as many before as after.
fn moving_mean(values: &[(f64, f64)]) -> Vec<(f64, f64)> {
    (0..values.len())
        .map(|index| {
            let reach = (SMOOTHING / 2).min(index).min(values.len() - 1 - index);
            let window = &values[index - reach..=index + reach];
            let sum: f64 = window.iter().map(|point| point.1).sum();
            (values[index].0, sum / window.len() as f64)
        })
        .collect()
}

fn label(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Signed if value.abs() < 0.005 => "0".to_owned(),
        Unit::Signed => format!("{value:+.2}").replace('-', "−"),
        Unit::Plain => format!("{value:.1}"),
        Unit::Percent if value.abs() < 0.1 && value != 0.0 => format!("{:.1} %", 100.0 * value),
        Unit::Percent => format!("{:.0} %", 100.0 * value),
    }
}
