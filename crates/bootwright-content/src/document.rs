//! What becomes of a document once its template is rendered: Butane becomes Ignition, and Ignition is judged before a
//! machine reads it.

use std::ops::Range;

use bootwright_core::Document;

use crate::context::Context;
use crate::template::TemplateError;
use crate::tree::Fault;
use crate::{butane, cloud_init, ignition, json};

/// The endings of files that hold Butane.
const BUTANE: &[&str] = &[".bu", ".butane"];

/// The most that is told of one document: a search for the place of each goes through the whole template.
const FAULTS_MAX: usize = 20;

/// The ending of documents that are Ignition.
const IGNITION: &str = ".ign";

/// A document as it is served, and what is odd about it.
pub(crate) struct Finished {
    pub(crate) text: String,
    pub(crate) warnings: Vec<TemplateError>,
}

/// Makes of a rendered document what is served under this name to the host of `context`.
///
/// # Errors
///
/// Everything that the machine's own reader would refuse, with places in the template.
pub(crate) fn finish(
    name: &str,
    document: &Document,
    rendered: String,
    context: &Context,
) -> Result<Finished, Vec<TemplateError>> {
    let mut finished = make(name, document, rendered)?;
    let additions = additions(document, context);
    if additions != ignition::Additions::default() {
        finished.text = ignition::add(&finished.text, &additions).map_err(|faults| {
            let whole = |fault: Fault| TemplateError {
                message: fault.message,
                hint: fault.hint,
                ..TemplateError::at(&document.template, 0..0)
            };
            faults.into_iter().take(FAULTS_MAX).map(whole).collect::<Vec<_>>()
        })?;
    }
    Ok(finished)
}

/// What is added for this host. A boot without a run has nobody to report to.
fn additions(document: &Document, context: &Context) -> ignition::Additions {
    let bootwright_core::Additions { hostname, done, up } = document.add;
    let run = context.run_url();
    let report = |asked: bool, route: &str| run.as_ref().filter(|_| asked).map(|run| format!("{run}/{route}"));
    ignition::Additions {
        hostname: hostname.then(|| context.host.to_string()),
        up: report(up, "up"),
        done: report(done, "done"),
    }
}

fn make(name: &str, document: &Document, rendered: String) -> Result<Finished, Vec<TemplateError>> {
    let template = document.template.as_str();
    let placed = |text: &str, faults: Vec<Fault>| -> Vec<TemplateError> {
        let faults = faults.into_iter();
        faults
            .take(FAULTS_MAX)
            .map(|fault| put(template, text, fault))
            .collect()
    };
    if is_butane(name, document, &rendered) {
        let (config, files) = butane::split(&rendered);
        let made = butane::transpile(config, &files).map_err(|faults| placed(config, errors(faults)))?;
        return Ok(Finished {
            text: made.json,
            warnings: placed(config, made.warnings),
        });
    }
    let refusal = json::refusal(name, template, &rendered);
    if let Some(error) = refusal.or_else(|| cloud_init::refusal(name, template, &rendered)) {
        return Err(vec![error]);
    }
    if !name.ends_with(IGNITION) {
        return Ok(Finished {
            text: rendered,
            warnings: Vec::new(),
        });
    }
    let (warnings, refusals): (Vec<_>, Vec<_>) =
        ignition::check(&rendered).into_iter().partition(|fault| fault.warning);
    if refusals.is_empty() {
        let warnings = placed(&rendered, warnings);
        Ok(Finished {
            text: rendered,
            warnings,
        })
    } else {
        Err(placed(&rendered, refusals))
    }
}

fn errors(faults: Vec<Fault>) -> Vec<Fault> {
    faults.into_iter().filter(|fault| !fault.warning).collect()
}

/// Whether a document is Butane: its file says so, or it is served as Ignition and is no JSON.
fn is_butane(name: &str, document: &Document, rendered: &str) -> bool {
    let named = BUTANE.iter().any(|ending| document.origin.ends_with(ending));
    let starts_otherwise = || !rendered.trim_start().starts_with(['{', '[']) && !rendered.trim().is_empty();
    named || (name.ends_with(IGNITION) && starts_otherwise())
}

/// The fault at its place in the template.
fn put(template: &str, rendered: &str, fault: Fault) -> TemplateError {
    let (span, exact) = place(template, rendered, &fault.span);
    let line = || {
        let start = rendered.get(..fault.span.start).unwrap_or_default();
        let start = start.rfind('\n').map_or(0, |newline| newline + 1);
        let line = rendered
            .get(start..)
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default();
        format!(
            "the line is rendered as `{}`",
            line.trim().chars().take(100).collect::<String>()
        )
    };
    let hint = if exact {
        fault.hint
    } else {
        fault.hint.or_else(|| Some(line()))
    };
    TemplateError {
        message: fault.message,
        hint,
        ..TemplateError::at(template, span)
    }
}

/// Where in the template a piece of the rendered text comes from, and whether that is sure: the same place where nothing
/// before it was filled in, else the line that reads the same and is nearest, else the last one before it that does.
fn place(template: &str, rendered: &str, span: &Range<usize>) -> (Range<usize>, bool) {
    let before = |text: &str, end: usize| text.get(..end).map(str::to_owned);
    if before(template, span.end).is_some_and(|start| Some(start) == before(rendered, span.end)) {
        return (span.clone(), true);
    }
    let mut lines = Vec::new();
    let mut start = 0;
    for line in template.split_inclusive('\n') {
        lines.push((start, line.trim_end()));
        start += line.len();
    }
    let head = rendered.get(..span.start).unwrap_or(rendered);
    let line_start = head.rfind('\n').map_or(0, |newline| newline + 1);
    let number = head.matches('\n').count();
    let line = rendered
        .get(line_start..)
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end();
    let like = |wanted: &str| {
        let same = lines
            .iter()
            .enumerate()
            .filter(|(_, (_, line))| *line == wanted && !wanted.is_empty());
        same.min_by_key(|(index, _)| index.abs_diff(number))
            .map(|(_, (start, _))| *start)
    };
    if let Some(found) = like(line) {
        let from = found + (span.start - line_start).min(line.len());
        return (from..(from + span.len()).min(found + line.len()).max(from), true);
    }
    let earlier = head.lines().rev().skip(usize::from(!head.ends_with('\n')));
    let found = earlier
        .map(str::trim_end)
        .find_map(|line| Some((like(line)?, line.len())));
    // What is wrong stands behind the last line that is as it was written.
    let next = found
        .map_or(0, |(start, length)| start + length + 1)
        .min(template.len());
    let line = template
        .get(next..)
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default();
    let indent = line.len() - line.trim_start().len();
    (next + indent..next + line.trim_end().len().max(indent), false)
}
