//! What cloud-init reads: the parts of a NoCloud seed, and whether a `#cloud-config` is one.
//!
//! The shapes below are those of the keys that people write; the others may hold anything, and so may keys that nobody knows, which
//! cloud-init passes over. The lab compares the verdict with cloud-init's own.

mod kind;
mod shape;

use std::ops::Range;

use crate::context::Context;
use crate::template::TemplateError;
use crate::tree::Fault;
use crate::yaml;

use shape::{CLOUD_CONFIG, check};

/// What user data and vendor data may begin with, in the words of cloud-init's "user-data formats".
const BEGINNINGS: &[&str] = &[
    "#cloud-config",
    "#!",
    "#include",
    "#cloud-boothook",
    "#part-handler",
    "#upstart-job",
    "## template: jinja",
    "Content-Type:",
    "MIME-Version:",
];

/// What stands for a part of a seed that the profile does not have.
pub(crate) fn missing_part(name: &str, context: &Context) -> String {
    match (name, context.run) {
        // Another run is another instance, for which cloud-init does everything anew.
        ("meta-data", Some(run)) => format!(
            "instance-id: {host}-{number}\nlocal-hostname: {host}\n",
            host = context.host,
            number = run.number
        ),
        ("meta-data", None) => format!("instance-id: {host}\nlocal-hostname: {host}\n", host = context.host),
        _ => String::new(),
    }
}

/// What is wrong with a rendered part of a seed, at its place in the template as far as that can be told.
pub(crate) fn refusal(name: &str, template: &str, rendered: &str) -> Option<TemplateError> {
    let fault = match name {
        "user-data" | "vendor-data" => data_fault(rendered)?,
        "meta-data" | "network-config" => table_fault(rendered)?,
        _ => return None,
    };
    let line = rendered
        .get(..fault.span.start)
        .unwrap_or(rendered)
        .matches('\n')
        .count();
    let text = rendered.lines().nth(line).unwrap_or_default();
    Some(TemplateError {
        message: fault.message,
        hint: fault.hint.or_else(|| Some(format!("the line is `{}`", text.trim()))),
        ..TemplateError::at(template, place(template, text, line))
    })
}

fn data_fault(text: &str) -> Option<Fault> {
    if text.trim().is_empty() {
        return None;
    }
    let first = text.lines().next().unwrap_or_default();
    if !BEGINNINGS.iter().any(|beginning| first.starts_with(beginning)) {
        let fault = Fault::new(&(0..first.len()), "cloud-init would pass this over");
        return Some(fault.hint("the first line says what it is: `#cloud-config`, `#!/bin/sh`, `#include`, …"));
    }
    if first.trim_end() != "#cloud-config" {
        return None;
    }
    match table(text) {
        Err(fault) => Some(fault),
        Ok(None) => Some(Fault::new(&(0..0), "there is nothing below `#cloud-config`")),
        Ok(Some(node)) => check(&node, CLOUD_CONFIG, "").err().map(|wrong| wrong.fault),
    }
}

fn table_fault(text: &str) -> Option<Fault> {
    table(text).err()
}

/// The table that a text holds; nothing if it holds nothing.
fn table(text: &str) -> Result<Option<crate::tree::Node>, Fault> {
    let mut documents = yaml::read(text)?.into_iter();
    let Some(first) = documents.next() else { return Ok(None) };
    if let Some(second) = documents.next() {
        return Err(Fault::new(&second.span, "a second document begins here"));
    }
    match first.value {
        crate::tree::Value::Map(_) => Ok(Some(first)),
        crate::tree::Value::Null => Ok(None),
        _ => Err(Fault::new(
            &first.span,
            format!("this is {}, not a table of keys", first.kind()),
        )),
    }
}

/// The line of the template that was rendered as it stands there; else the one of the same number.
fn place(template: &str, text: &str, number: usize) -> Range<usize> {
    let mut start = 0;
    let mut fallback = 0..0;
    for (at, line) in template.split_inclusive('\n').enumerate() {
        let bare = line.trim_end();
        if bare == text.trim_end() && !bare.is_empty() {
            return start + (bare.len() - bare.trim_start().len())..start + bare.len();
        }
        if at == number {
            fallback = start..start + bare.len();
        }
        start += line.len();
    }
    fallback
}
