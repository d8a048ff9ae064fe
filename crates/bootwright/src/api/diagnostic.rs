//! Diagnostics as the API shows them.

use bootwright_config::Diagnostic;
use bootwright_proto::http::api::{DiagnosticView, Severity};

/// Diagnostics of the configuration.
#[must_use]
pub fn views(diagnostics: &[Diagnostic]) -> Vec<DiagnosticView> {
    diagnostics.iter().map(view).collect()
}

/// The code of what is wrong with a configuration, or odd about it.
const fn code(severity: bootwright_config::Severity) -> &'static str {
    match severity {
        bootwright_config::Severity::Error => "E201",
        bootwright_config::Severity::Warning => "W202",
    }
}

fn view(diagnostic: &Diagnostic) -> DiagnosticView {
    DiagnosticView {
        severity: match diagnostic.severity {
            bootwright_config::Severity::Error => Severity::Error,
            bootwright_config::Severity::Warning => Severity::Warning,
        },
        code: Some(code(diagnostic.severity).to_owned()),
        file: Some(diagnostic.file.clone()),
        line: u32::try_from(diagnostic.line).ok(),
        column: u32::try_from(diagnostic.column).ok(),
        message: diagnostic.message.clone(),
        hint: diagnostic.hint.clone(),
        rendered: Some(diagnostic.render()),
    }
}

/// Something that has no place in a file.
#[must_use]
pub fn plain(severity: Severity, message: String, hint: &str) -> DiagnosticView {
    DiagnosticView {
        severity,
        code: None,
        file: None,
        line: None,
        column: None,
        message,
        hint: Some(hint.to_owned()),
        rendered: None,
    }
}
