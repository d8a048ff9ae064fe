//! `[naming]`: names for machines that `[hosts]` does not name.

use bootwright_core::Naming;

use crate::finding::Findings;
use crate::node::Table;
use crate::section::{Section, parse};

pub(super) fn lower(root: &Table, findings: &mut Findings) -> Naming {
    let mut naming = Naming::default();
    let Some(mut section) = Section::of(root, "naming", findings) else {
        return naming;
    };
    let key = section.key("list");
    for (text, at) in section.texts("list", "node-a", findings) {
        let Some(name) = parse(&key, text, at, findings) else {
            continue;
        };
        if naming.list.contains(&name) {
            findings.error(at, format!("`{key}`: `{name}` stands there twice"));
        }
        naming.list.push(name);
    }
    let key = section.key("pattern");
    naming.pattern = section
        .text("pattern", "node-{number}", findings)
        .and_then(|(text, at)| parse(&key, text, at, findings));
    section.finish(findings);
    naming
}
