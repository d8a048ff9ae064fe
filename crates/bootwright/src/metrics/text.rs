//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

use super::histogram::Histogram;

/// The media type.
pub(super) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics as they are written, family by family.
#[derive(Default)]
pub(super) struct Text(String);

/// What a metric is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

impl Text {
    /// A family with its values: labels with their values, and a number.
    pub(super) fn family<'a, const N: usize>(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([(&'a str, String); N], f64)>,
    ) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.head(name, help, kind);
        for (labels, value) in values {
            self.sample(name, "", &labels, value);
        }
    }

    /// A family with one value and no labels.
    pub(super) fn one(&mut self, kind: Kind, name: &str, help: &str, value: f64) {
        self.family(kind, name, help, [([], value)]);
    }

    /// A family of times in buckets.
    pub(super) fn histograms<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([(&'a str, String); N], &'a Histogram)>,
    ) {
        self.head(name, help, "histogram");
        for (labels, histogram) in values {
            let mut all = 0;
            for (bound, count) in histogram.buckets() {
                let mut labels: Vec<(&str, String)> = labels.to_vec();
                labels.push(("le", bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string())));
                self.sample(name, "_bucket", &labels, number(count));
                all = count;
            }
            self.sample(name, "_sum", &labels, histogram.sum());
            self.sample(name, "_count", &labels, number(all));
        }
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.0,
            "# HELP bootwright_{name} {help}\n# TYPE bootwright_{name} {kind}"
        );
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &[(&str, String)], value: f64) {
        self.0.push_str("bootwright_");
        self.0.push_str(name);
        self.0.push_str(suffix);
        if !labels.is_empty() {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            let _ = write!(self.0, "{{{}}}", labels.join(","));
        }
        let _ = writeln!(self.0, " {value}");
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// A count as the format has it.
#[expect(clippy::cast_precision_loss, reason = "the format has no other numbers")]
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

/// A number of things.
pub(super) fn count(things: usize) -> f64 {
    number(u64::try_from(things).unwrap_or(u64::MAX))
}

/// A value of a label: the format escapes three characters.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_stay_within_their_quotes() {
        let mut text = Text::default();
        let labels = [("profile", "a\"b\\c\nd".to_owned())];
        text.family(Kind::Counter, "runs_total", "Runs.", [(labels, 2.0)]);
        assert_eq!(
            text.into_text(),
            "# HELP bootwright_runs_total Runs.\n# TYPE bootwright_runs_total counter\n\
             bootwright_runs_total{profile=\"a\\\"b\\\\c\\nd\"} 2\n"
        );
    }
}
