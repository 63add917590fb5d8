//! The table: medians over the rounds, ratios to the floor, and whether the aim is met.
//!
//! It must not know what the figures mean.

use std::fmt;

/// A row.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    /// Digits after the point.
    pub(crate) digits: usize,
    pub(crate) aim: Aim,
}

/// What is asked of the median.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    /// Nothing: it is told for its own sake.
    None,
    /// Of the ratio to the floor.
    RatioAtMost(f64),
    /// Of the ratio to the floor.
    RatioAtLeast(f64),
    /// Of the figure itself.
    AtMost(f64),
    /// Of the figure itself.
    AtLeast(f64),
}

/// The rows in the order in which they came, each with its rounds.
#[derive(Default)]
pub(crate) struct Table(Vec<(Row, Vec<Round>)>);

/// One round of a row.
struct Round {
    floor: Option<f64>,
    mosaic: f64,
}

impl Table {
    /// Adds a round.
    pub(crate) fn add(&mut self, row: Row, floor: impl Into<Option<f64>>, mosaic: f64) {
        let round = Round { floor: floor.into(), mosaic };
        let ratio = round.ratio().map(|ratio| format!(", ratio {ratio:.2}")).unwrap_or_default();
        eprintln!("  {}: {:.*} {}{ratio}", row.what, row.digits, mosaic, row.unit);
        match self.0.iter_mut().find(|(known, _)| known.what == row.what) {
            Some((_, rounds)) => rounds.push(round),
            None => self.0.push((row, vec![round])),
        }
    }
}

impl Round {
    fn ratio(&self) -> Option<f64> {
        Some(self.mosaic / self.floor?)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | floor | Mosaic | ratio (lowest to highest) | aim | |")?;
        writeln!(f, "|---|---:|---:|---:|---:|---|")?;
        for (row, rounds) in &self.0 {
            line(f, row, rounds)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, row: &Row, rounds: &[Round]) -> fmt::Result {
    let floor = median(rounds.iter().filter_map(|round| round.floor).collect());
    let ratios: Vec<f64> = rounds.iter().filter_map(Round::ratio).collect();
    let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = ratios.iter().copied().fold(0.0, f64::max);
    let ratio = median(ratios);
    let mosaic = median(rounds.iter().map(|round| round.mosaic).collect());
    let (aim, met) = match row.aim {
        Aim::None => (String::new(), None),
        Aim::RatioAtMost(most) => (format!("≤ {most}×"), ratio.map(|ratio| ratio <= most)),
        Aim::RatioAtLeast(least) => (format!("≥ {least}×"), ratio.map(|ratio| ratio >= least)),
        Aim::AtMost(most) => (format!("≤ {most} {}", row.unit), mosaic.map(|mosaic| mosaic <= most)),
        Aim::AtLeast(least) => (format!("≥ {least} {}", row.unit), mosaic.map(|mosaic| mosaic >= least)),
    };
    let figure = |value: Option<f64>| {
        value.map(|value| format!("{value:.*} {}", row.digits, row.unit)).unwrap_or_default()
    };
    let ratio = ratio.map(|ratio| format!("{ratio:.2} ({lowest:.2} to {highest:.2})")).unwrap_or_default();
    let met = met.map_or("", |met| if met { "met" } else { "missed" });
    writeln!(f, "| {} | {} | {} | {ratio} | {aim} | {met} |", row.what, figure(floor), figure(mosaic))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let above = values.get(values.len() / 2)?;
    let below = values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(*below, *above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_of_the_rounds_ratios() {
        let row = Row { what: "echo", unit: "µs", digits: 1, aim: Aim::RatioAtMost(1.5) };
        let mut table = Table::default();
        for (floor, mosaic) in [(10.0, 11.0), (20.0, 40.0), (10.0, 14.0)] {
            table.add(row, floor, mosaic);
        }
        let text = table.to_string();
        let line = text.lines().last().expect("a row");
        assert_eq!(line, "| echo | 10.0 µs | 14.0 µs | 1.40 (1.10 to 2.00) | ≤ 1.5× | met |");
    }

    #[test]
    fn a_figure_over_its_aim_is_missed() {
        let row = Row { what: "growth", unit: "MiB", digits: 0, aim: Aim::AtMost(8.0) };
        let mut table = Table::default();
        table.add(row, None, 9.0);
        table.add(row, None, 8.0);
        assert!(table.to_string().ends_with("| growth |  | 8 MiB |  | ≤ 8 MiB | missed |\n"), "{table}");
    }
}
