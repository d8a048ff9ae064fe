//! Boot menus.

use bootwright_core::{Choice, Menu};

use crate::http::{Asked, BaseUrl};
use crate::script::say::sentence;

use super::boot::ask_again;
use super::text::Script;

/// Shows a menu, and asks for the decision again with what was chosen. Whoever leaves it by Escape sees it again, unless it was
/// opened while the machine waits: then that goes on. Entries that install are left out where no grant lets them.
#[must_use]
pub fn menu_script(base: &BaseUrl, asked: &Asked, menu: &Menu, installs: bool) -> String {
    let mut asked = asked.clone();
    // What was chosen before is no answer to this menu, or it would not be shown.
    asked.sighting.chosen = None;
    let query = asked.to_query();
    asked.sighting.menu = false;
    let mut script = Script::new();
    script.line(format!("menu {}", sentence(&menu.title)));
    for (place, entry) in menu.entries.iter().enumerate() {
        if matches!(entry.choice, Choice::Install(_)) && !installs {
            continue;
        }
        script.line(format!("item {place} {}", sentence(&entry.title)));
    }
    let mut choose = "choose".to_owned();
    if let Some(default) = menu.default {
        choose.push_str(&format!(" --default {default}"));
    }
    if let Some(timeout) = menu.timeout {
        choose.push_str(&format!(" --timeout {}", timeout.as_millis()));
    }
    script.line(format!("{choose} chosen || goto ask")).line(format!(
        "chain --replace --autofree {base}/ipxe?{query}&chosen=${{chosen}} || goto ask"
    ));
    ask_again(&mut script, base, &asked);
    script.finish()
}
