//! Figures as people read them: a table in Markdown, aligned so that it reads as well on a terminal.

use std::fmt;

/// One figure, measured several times.
#[derive(Clone, Debug, Default)]
pub(super) struct Spread {
    values: Vec<f64>,
}

/// A table under construction.
pub(super) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Spread {
    pub(super) fn add(&mut self, value: f64) {
        self.values.push(value);
        self.values.sort_by(f64::total_cmp);
    }

    /// The middle one; nothing if nothing was measured.
    pub(super) fn median(&self) -> Option<f64> {
        let middle = self.values.len() / 2;
        let high = *self.values.get(middle)?;
        if self.values.len() % 2 == 1 {
            return Some(high);
        }
        Some((high + self.values.get(middle.checked_sub(1)?)?) / 2.0)
    }

    /// Nothing if nothing was measured.
    pub(super) fn greatest(&self) -> Option<f64> {
        self.values.last().copied()
    }
}

/// The median, and the least and the greatest in brackets; three digits of each.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.median(), self.values.as_slice()) {
            (Some(median), [least, .., greatest]) => {
                write!(f, "{} ({} to {})", digits(median), digits(*least), digits(*greatest))
            }
            (Some(median), _) => f.write_str(&digits(median)),
            (None, _) => f.write_str("-"),
        }
    }
}

impl FromIterator<f64> for Spread {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut spread = Self::default();
        values.into_iter().for_each(|value| spread.add(value));
        spread
    }
}

/// A number with three digits that count.
pub(super) fn digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor() as i32;
    let decimals = usize::try_from((2 - magnitude).max(0)).unwrap_or(0);
    format!("{value:.decimals$}")
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Self {
            head: head.iter().map(|word| (*word).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let line = |f: &mut fmt::Formatter<'_>, row: &[String]| {
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, "| {cell:<width$} ")?;
            }
            writeln!(f, "|")
        };
        line(f, &self.head)?;
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        line(f, &rule)?;
        self.rows.iter().try_for_each(|row| line(f, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_its_median_and_its_ends() {
        let spread: Spread = [3.0, 1.0, 200.04, 2.0].into_iter().collect();
        assert_eq!(spread.to_string(), "2.50 (1.00 to 200)");
        assert_eq!([0.5].into_iter().collect::<Spread>().to_string(), "0.500");
        assert_eq!(Spread::default().to_string(), "-");
    }

    #[test]
    fn three_digits_are_shown_of_small_and_large_numbers() {
        let shown = [0.012_345_6, 1.0, 99.6, 123_456.7, 0.0].map(digits);
        assert_eq!(shown, ["0.0123", "1.00", "99.6", "123457", "0"]);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["server", "ms"]);
        table.row(vec!["a".to_owned(), "1.00 (1 to 2)".to_owned()]);
        let wanted = "| server | ms            |\n| ------ | ------------- |\n| a      | 1.00 (1 to 2) |\n";
        assert_eq!(table.to_string(), wanted);
    }
}
