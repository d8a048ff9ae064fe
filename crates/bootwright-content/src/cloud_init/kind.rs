//! What an unquoted scalar is to cloud-init, whose reader follows YAML 1.1 (yaml.org/type) where our own guesses nothing.

use crate::tree::{Node, Value};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Flag(bool),
    Int(i64),
    Float,
    Date,
    Text,
    List,
    Table,
}

impl Kind {
    pub(super) fn of(node: &Node) -> Self {
        match &node.value {
            Value::Null => Self::Null,
            Value::Flag(flag) => Self::Flag(*flag),
            Value::Whole(number) => Self::Int(*number),
            Value::Real(_) => Self::Float,
            Value::Text(_) => Self::Text,
            Value::Plain(text) => plain(text),
            Value::List(_) => Self::List,
            Value::Map(_) => Self::Table,
        }
    }

    /// For messages.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Flag(_) => "true or false",
            Self::Int(_) => "a whole number",
            Self::Float => "a number",
            Self::Date => "a date",
            Self::Text => "text",
            Self::List => "a list",
            Self::Table => "a table of keys",
        }
    }
}

fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Kind::Flag(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return Kind::Flag(false),
        ".inf" | ".Inf" | ".INF" | "-.inf" | "+.inf" | ".nan" | ".NaN" | ".NAN" => return Kind::Float,
        _ => {}
    }
    if let Some(number) = integer(text) {
        return Kind::Int(number);
    }
    if is_date(text) {
        return Kind::Date;
    }
    if is_float(text) { Kind::Float } else { Kind::Text }
}

fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let bare = digits.replace('_', "");
    let read = |digits: &str, radix| {
        let fits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        // A number that is too large is one all the same.
        fits.then(|| i64::from_str_radix(digits, radix).unwrap_or(i64::MAX))
    };
    let number = if bare == "0" {
        Some(0)
    } else if let Some(hex) = bare.strip_prefix("0x") {
        read(hex, 16)
    } else if let Some(binary) = bare.strip_prefix("0b") {
        read(binary, 2)
    } else if let Some(octal) = bare.strip_prefix('0') {
        read(octal, 8)
    } else if bare.contains(':') {
        sexagesimal(&bare)
    } else {
        read(&bare, 10)
    };
    number.map(|number| number.saturating_mul(sign))
}

/// `22:30` is 1350.
fn sexagesimal(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let mut number: i64 = parts.next()?.parse().ok()?;
    for part in parts {
        let digits = (1..=2).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
        let part: i64 = part.parse().ok().filter(|part| digits && *part < 60)?;
        number = number.checked_mul(60)?.checked_add(part)?;
    }
    Some(number)
}

/// `2026-11-20`, with a time or without.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let digits =
        |text: &str, least, most| (least..=most).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
    let day: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let tail = rest.get(day.len()..).unwrap_or_default();
    match tail.is_empty() {
        true => digits(year, 4, 4) && digits(month, 2, 2) && digits(&day, 2, 2),
        false => {
            let time = tail.trim_start_matches(['T', 't', ' ', '\t']);
            digits(year, 4, 4)
                && digits(month, 1, 2)
                && digits(&day, 1, 2)
                && time.len() < tail.len()
                && time.starts_with(|c: char| c.is_ascii_digit())
                && time.matches(':').count() >= 2
        }
    }
}

/// A number with a point, and digits before it or an exponent with its sign.
fn is_float(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text).replace('_', "");
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body.as_str(), None),
    };
    let Some((whole, fraction)) = mantissa.split_once('.') else {
        return false;
    };
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let good_exponent = exponent.is_none_or(|exponent| {
        exponent
            .strip_prefix(['-', '+'])
            .is_some_and(|digits_after| !digits_after.is_empty() && digits(digits_after))
    });
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && good_exponent
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PyYAML's `safe_load` takes them.
    #[test]
    fn scalars_are_what_yaml_1_1_makes_of_them() {
        for (text, kind) in [
            ("yes", Kind::Flag(true)),
            ("OFF", Kind::Flag(false)),
            ("y", Kind::Text),
            ("12", Kind::Int(12)),
            ("0644", Kind::Int(420)),
            ("0o644", Kind::Text),
            ("0x1F", Kind::Int(31)),
            ("1_000", Kind::Int(1000)),
            ("22:30", Kind::Int(1350)),
            ("08", Kind::Text),
            ("1.5", Kind::Float),
            ("1e3", Kind::Text),
            ("1.0e+3", Kind::Float),
            ("1.2.3", Kind::Text),
            ("2026-11-20", Kind::Date),
            ("2026-11-20x", Kind::Text),
            // A card whose parts are all digits below 60 is a number to the base of 60.
            ("52:54:00:12:34:56", Kind::Int(41_135_085_296)),
            ("52:54:00:12:34:5f", Kind::Text),
            ("-", Kind::Text),
            ("hello", Kind::Text),
        ] {
            assert_eq!(plain(text), kind, "{text}");
        }
    }
}
