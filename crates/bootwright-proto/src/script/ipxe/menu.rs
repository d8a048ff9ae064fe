//! Boot menus.

use bootwright_core::Menu;

use crate::http::{Asked, BaseUrl};
use crate::script::say::sentence;

use super::boot::ask_again;
use super::text::Script;

/// Shows a menu, and asks for the decision again with what was chosen. Whoever leaves it by Escape sees it again.
#[must_use]
pub fn menu_script(base: &BaseUrl, asked: &Asked, menu: &Menu) -> String {
    let mut asked = asked.clone();
    // What was chosen before is no answer to this menu, or it would not be shown.
    asked.sighting.chosen = None;
    let mut script = Script::new();
    script.line(format!("menu {}", sentence(&menu.title)));
    for (place, entry) in menu.entries.iter().enumerate() {
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
        "chain --replace --autofree {base}/ipxe?{}&chosen=${{chosen}} || goto ask",
        asked.to_query()
    ));
    ask_again(&mut script, base, &asked);
    script.finish()
}
