use bootwright_proto::http::{Progress, Query, Report, ReportKind};
use proptest::prelude::*;

fn read(kind: ReportKind, query: &str, content_type: &str, body: &str) -> Report {
    let content_type = (!content_type.is_empty()).then_some(content_type);
    Report::read(kind, &Query::new(query.as_bytes()), content_type, body.as_bytes())
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn done_and_up_need_nothing() {
    for (query, content_type, body) in [
        ("", "", ""),
        ("?x", "application/json", "not json"),
        ("", "image/png", "\0\u{1}"),
        ("percent=999", FORM, "a=b"),
    ] {
        assert_eq!(read(ReportKind::Done, query, content_type, body), Report::Done);
        assert_eq!(read(ReportKind::Up, query, content_type, body), Report::Up);
    }
}

#[test]
fn a_failure_says_why_in_whatever_form_the_installer_has() {
    let why = Report::Fail {
        reason: Some("disk is busy".to_owned()),
    };
    for (query, content_type, body) in [
        ("reason=disk%20is%20busy", "", ""),
        ("msg=disk%20is%20busy", "", "ignored"),
        ("", FORM, "reason=disk+is+busy"),
        ("", FORM, "disk is busy"),
        (
            "",
            "application/json; charset=utf-8",
            "{\"reason\": \"disk is busy\", \"pct\": 3}",
        ),
        ("", "", " {\"message\": \"disk is\\u0000busy\"}"),
        ("", "text/plain", "disk is\nbusy\n"),
    ] {
        assert_eq!(read(ReportKind::Fail, query, content_type, body), why, "{query} {body}");
    }
    assert_eq!(read(ReportKind::Fail, "", "", " \n"), Report::Fail { reason: None });
}

#[test]
fn the_disk_guard_learns_the_disk_and_what_is_on_it() {
    let query = "stage=guard&serial=S4EVNX0M&content=ext4";
    let full = Report::Progress(Progress {
        stage: Some("guard".to_owned()),
        serial: Some("S4EVNX0M".to_owned()),
        content: Some("ext4".to_owned()),
        ..Progress::default()
    });
    assert_eq!(read(ReportKind::Progress, query, "", ""), full);
    for empty in [
        "stage=guard&serial=S4EVNX0M&content=",
        "stage=guard&serial=S4EVNX0M&content=empty",
    ] {
        match read(ReportKind::Progress, empty, "", "") {
            Report::Progress(progress) => assert_eq!(progress.content, None, "{empty}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn percentages_are_read_as_installers_write_them() {
    for (text, percent) in [
        ("71", Some(71)),
        ("71%25", Some(71)),
        ("71.9", Some(71)),
        ("100", Some(100)),
        ("101", None),
        ("-1", None),
        ("x", None),
    ] {
        match read(ReportKind::Progress, &format!("pct={text}"), "", "") {
            Report::Progress(progress) => assert_eq!(progress.percent, percent, "{text}"),
            other => panic!("{other:?}"),
        }
    }
    let json = read(
        ReportKind::Progress,
        "",
        "application/json",
        "{\"percent\": 40, \"stage\": null}",
    );
    let forty = Progress {
        percent: Some(40),
        ..Progress::default()
    };
    assert_eq!(json, Report::Progress(forty));
}

#[test]
fn our_own_script_reports_a_step_that_failed() {
    let report = read(
        ReportKind::Progress,
        "stage=ipxe&message=kernel&error=0x2d0c613b",
        "",
        "",
    );
    let failed = Progress {
        stage: Some("ipxe".to_owned()),
        message: Some("kernel".to_owned()),
        error: Some("0x2d0c613b".to_owned()),
        ..Progress::default()
    };
    assert_eq!(report, Report::Progress(failed));
}

#[test]
fn a_log_keeps_its_lines_and_loses_its_escapes() {
    let log = read(ReportKind::Log, "", "text/plain", "one\r\n\u{1b}[31mtwo\tthree\0\n");
    assert_eq!(log, Report::Log("one\ntwo three\n".to_owned()));
    assert_eq!(
        read(ReportKind::Log, "msg=hello", "", ""),
        Report::Log("hello".to_owned())
    );
}

proptest! {
    #[test]
    fn any_report_is_read_and_no_line_of_it_is_long(kind in 0..5_usize, query: Vec<u8>, content_type: Option<String>, body: Vec<u8>) {
        let report = Report::read(ReportKind::ALL[kind], &Query::new(&query), content_type.as_deref(), &body);
        if let Report::Fail { reason: Some(reason) } = report {
            prop_assert!(reason.len() <= 400 && !reason.chars().any(char::is_control));
        }
    }
}
