//! Shell functions that templates include, so that every profile reports and guards in the same way.
//!
//! They are POSIX sh and ask for no more than busybox has. They must not hold `{#`, `{%` or `{{` but for the template's own.

/// Each snippet by the name that `{% include "…" %}` takes, and its text.
///
/// `bootwright/report.sh` defines `bootwright_get URL`, which prints what the URL answers, and
/// `bootwright_report done|fail|up|progress [NAME=TEXT…]`, which calls a report route of the run.
/// `bootwright/guard.sh` defines `bootwright_guard DISK` beside these: it returns success when the disk may be overwritten,
/// and after anything else it has reported `fail` and returns failure.
/// `bootwright/discover.sh` defines `bootwright_discover`, which reports what the machine is made of and writes nothing, and
/// `bootwright_disks`, which names its disks. `bootwright/wipe.sh` defines `bootwright_wipe DISK…`, which asks the guard about each
/// disk and then makes all of them look empty.
pub const ALL: &[(&str, &str)] = &[
    ("bootwright/report.sh", include_str!("snippet/report.sh")),
    ("bootwright/guard.sh", include_str!("snippet/guard.sh")),
    ("bootwright/discover.sh", include_str!("snippet/discover.sh")),
    ("bootwright/wipe.sh", include_str!("snippet/wipe.sh")),
];
