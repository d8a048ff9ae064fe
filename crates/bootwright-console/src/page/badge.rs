//! A host's state as a word, a shape and a colour. The word is always there, and each state has a shape of its own, so that
//! the colour is only the third cue.

use maud::{Markup, html};

/// The badges that there are, in the order in which people care.
pub(crate) const BADGES: [(&str, &str); 12] = [
    ("held", "waits for you, nothing is written"),
    ("failed", "its run ended without success"),
    ("stalled", "installing, and silent for longer than usual"),
    ("installing", "a run is under way"),
    ("armed", "installs at its next network boot"),
    ("new", "seen, and nobody has decided"),
    ("done", "its installer finished, the system was not heard yet"),
    ("up", "installed, and its system called in"),
    ("live", "boots its live profile every time"),
    ("local", "boots its own disk"),
    ("ignored", "is never answered"),
    ("locked", "protected from any install"),
];

/// What a badge means, in a few words.
pub(crate) fn meaning(badge: &str) -> &'static str {
    let found = BADGES.iter().find(|(name, _)| *name == badge);
    found.map_or("", |(_, meaning)| *meaning)
}

/// A badge: shape and word.
pub(crate) fn badge(name: &str) -> Markup {
    let known = BADGES.iter().find(|(own, _)| *own == name).map(|(own, _)| *own);
    let class = known.unwrap_or("new");
    html! {
        span class={ "badge badge-" (class) } title=(meaning(name)) { (shape(class)) (name) }
    }
}

/// The lock, beside whatever else a host is.
pub(crate) fn lock() -> Markup {
    badge("locked")
}

/// The shape of a state, 16 by 16, drawn in the colour of the word.
pub(crate) fn shape(name: &str) -> Markup {
    let inside = match name {
        "new" => html! { path d="M8 1.8 14.2 8 8 14.2 1.8 8Z" class="line" {} },
        "held" => {
            html! { path d="M8 1.8 14.2 8 8 14.2 1.8 8Z" class="line" {} circle cx="8" cy="8" r="2" class="full" {} }
        }
        "armed" => {
            html! { circle cx="8" cy="8" r="6.2" class="line" {} path d="M6.4 5.2 11 8 6.4 10.8Z" class="full" {} }
        }
        "installing" => {
            html! { circle cx="8" cy="8" r="6.2" class="faint" {} path d="M8 1.8a6.2 6.2 0 0 1 0 12.4" class="line arc" {} }
        }
        "done" => {
            html! { circle cx="8" cy="8" r="6.2" class="line" {} path d="M8 1.8a6.2 6.2 0 0 0 0 12.4Z" class="full" {} }
        }
        "up" => {
            html! { circle cx="8" cy="8" r="6.2" class="line" {} path d="M5 8.3 7.2 10.5 11.2 5.8" class="line" {} }
        }
        "local" => {
            html! { rect x="2.5" y="2.5" width="11" height="11" rx="1.5" class="line" {} rect x="5" y="9" width="6" height="2" class="full" {} }
        }
        "live" => {
            html! { path d="M13 6A5.6 5.6 0 1 0 13.6 9" class="line" {} path d="M13.8 2.4V6.4H9.8" class="line" {} }
        }
        "stalled" => html! { path d="M8 2 14.6 13.6H1.4Z" class="line" {} path d="M6.7 7v4M9.3 7v4" class="line" {} },
        "failed" => {
            html! { path d="M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4Z" class="line" {} path d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" class="line" {} }
        }
        "locked" => {
            html! { rect x="3" y="7" width="10" height="7" rx="1.2" class="full" {} path d="M5.2 7V5a2.8 2.8 0 0 1 5.6 0v2" class="line" {} }
        }
        _ => html! { path d="M3 8h10" class="line" {} },
    };
    html! {
        svg.shape viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false" { (inside) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_says_its_word_and_has_a_shape_of_its_own() {
        let mut shapes = std::collections::BTreeSet::new();
        for (name, _) in BADGES {
            assert!(
                badge(name).into_string().contains(&format!("</svg>{name}</span>")),
                "{name}"
            );
            assert!(shapes.insert(shape(name).into_string()), "{name} looks like another");
        }
    }
}
