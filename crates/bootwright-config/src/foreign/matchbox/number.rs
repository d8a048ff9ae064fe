//! Numbers as Go prints those that it has read from JSON.

/// A number as Go's `%v` prints it: `3`, `0.5`, `1e+06`. It takes the short form from six digits before the point on.
pub(super) fn shown(number: f64) -> String {
    // The shortest digits that read back as the same number, which Rust finds as well.
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{number}")
}

#[cfg(test)]
mod tests {
    use super::shown;

    /// Go 1.22's own `fmt.Println` of these.
    #[test]
    fn numbers_are_printed_as_go_prints_them() {
        for (number, text) in [
            (3.0, "3"),
            (0.5, "0.5"),
            (-7.25, "-7.25"),
            (999_999.0, "999999"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (0.0, "0"),
        ] {
            assert_eq!(shown(number), text);
        }
    }
}
