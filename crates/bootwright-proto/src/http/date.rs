//! Dates in header fields (RFC 9110 section 5.6.7).

use std::fmt;
use std::str::FromStr;

/// A date in a header field, in whole seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate(u64);

/// A text that is no date in the form that is in use, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHttpDate;

const SECS_PER_DAY: u64 = 86_400;

/// The last second of the year 9999: the form has four digits for the year.
const LAST: u64 = 253_402_300_799;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl HttpDate {
    /// The date this many seconds after the epoch; the end of the year 9999 if it is later.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(if secs > LAST { LAST } else { secs })
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }
}

/// Year, month (1 to 12) and day of the month for a number of days since the epoch.
///
/// The calendar repeats after 400 years of 146 097 days. Counted from the first of March the leap day is the last of the
/// year, and the months follow a pattern of 153 days in five months.
fn civil(days: u64) -> (u64, u64, u64) {
    let since_march_0000 = days.saturating_add(719_468);
    let era = since_march_0000 / 146_097;
    let day_of_era = since_march_0000 % 146_097;
    let leaps = (day_of_era / 36_524).saturating_sub(day_of_era / 146_096);
    let without_leaps = day_of_era.saturating_sub(day_of_era / 1_460).saturating_add(leaps);
    let year_of_era = without_leaps / 365;
    let first = (year_of_era.saturating_mul(365))
        .saturating_add(year_of_era / 4)
        .saturating_sub(year_of_era / 100);
    let day_of_year = day_of_era.saturating_sub(first);
    let march_month = day_of_year.saturating_mul(5).saturating_add(2) / 153;
    let month_start = march_month.saturating_mul(153).saturating_add(2) / 5;
    let day = day_of_year.saturating_sub(month_start).saturating_add(1);
    let year = era.saturating_mul(400).saturating_add(year_of_era);
    if march_month < 10 {
        (year, march_month.saturating_add(3), day)
    } else {
        (year.saturating_add(1), march_month.saturating_sub(9), day)
    }
}

/// Days since the epoch of a day of the calendar, whose year is 1970 or later.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, march_month) = if month > 2 {
        (year, month.saturating_sub(3))
    } else {
        (year.saturating_sub(1), month.saturating_add(9))
    };
    let leaps = (year / 4).saturating_sub(year / 100).saturating_add(year / 400);
    let month_start = march_month.saturating_mul(153).saturating_add(2) / 5;
    year.saturating_mul(365)
        .saturating_add(leaps)
        .saturating_add(month_start)
        .saturating_add(day)
        .saturating_sub(719_469)
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day_number, second) = (self.0 / SECS_PER_DAY, self.0 % SECS_PER_DAY);
        let (year, month, day) = civil(day_number);
        let name = |names: &[&'static str], at: u64| {
            usize::try_from(at)
                .ok()
                .and_then(|at| names.get(at).copied())
                .unwrap_or_default()
        };
        let weekday = name(&DAYS, day_number % 7);
        let month = name(&MONTHS, month.saturating_sub(1));
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT"
        )
    }
}

impl FromStr for HttpDate {
    type Err = NotHttpDate;

    /// Reads the one form that is written today. The two obsolete ones are read as no date, which makes a condition
    /// count as not given.
    fn from_str(text: &str) -> Result<Self, NotHttpDate> {
        let words: Vec<&str> = text.split(' ').collect();
        let [_, day, month, year, time, "GMT"] = words.as_slice() else {
            return Err(NotHttpDate);
        };
        let month = MONTHS
            .iter()
            .position(|name| name == month)
            .and_then(|at| u64::try_from(at).ok())
            .map(|at| at.saturating_add(1))
            .ok_or(NotHttpDate)?;
        let (year, day) = (number(year, 4)?, number(day, 2)?);
        let parts: Vec<&str> = time.split(':').collect();
        let [hour, minute, second] = parts.as_slice() else {
            return Err(NotHttpDate);
        };
        let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
        if year < 1970 || hour > 23 || minute > 59 || second > 60 {
            return Err(NotHttpDate);
        }
        let seconds = hour
            .saturating_mul(3600)
            .saturating_add(minute.saturating_mul(60))
            .saturating_add(second.min(59));
        let date = Self(
            days(year, month, day)
                .saturating_mul(SECS_PER_DAY)
                .saturating_add(seconds),
        );
        // A day that the month does not have, or a wrong day of the week, does not come out as it went in.
        let same = date.to_string().get(..16) == text.get(..16);
        same.then_some(date).ok_or(NotHttpDate)
    }
}

fn number(text: &str, digits: usize) -> Result<u64, NotHttpDate> {
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotHttpDate);
    }
    text.parse().map_err(|_| NotHttpDate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_the_rfc_writes_them() {
        for (secs, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (LAST, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(HttpDate::from_secs(secs).to_string(), text);
            assert_eq!(text.parse(), Ok(HttpDate::from_secs(secs)), "{text}");
        }
    }

    #[test]
    fn every_day_of_a_leap_cycle_comes_back() {
        for day in 0..=146_097_u64 {
            let date = HttpDate::from_secs(day * SECS_PER_DAY + 45_296);
            assert_eq!(date.to_string().parse(), Ok(date));
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Thu, 30 Feb 2023 00:00:00 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Wed, 31 Dec 1969 23:59:59 GMT",
        ] {
            assert_eq!(text.parse::<HttpDate>(), Err(NotHttpDate), "{text}");
        }
    }
}
