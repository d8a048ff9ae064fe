//! The colours: one table, from which the style sheet's variables are made and which the test of contrasts reads.

/// A colour by its use, in light and in dark; six hexadecimal digits.
pub(crate) struct Token {
    pub(crate) name: &'static str,
    pub(crate) light: &'static str,
    pub(crate) dark: &'static str,
}

const fn token(name: &'static str, light: &'static str, dark: &'static str) -> Token {
    Token { name, light, dark }
}

/// All colours.
pub(crate) const TOKENS: &[Token] = &[
    // Surfaces and what is written on them.
    token("ground", "f6f7f9", "0e1420"),
    token("surface", "ffffff", "161e2c"),
    token("raised", "eef1f5", "1f2937"),
    token("text", "1a2230", "e8ecf2"),
    token("quiet", "46505f", "b3bdcc"),
    token("edge", "d5dae2", "2c384a"),
    token("control-edge", "6b7686", "7f8da1"),
    token("link", "1e40af", "a9c8ff"),
    token("focus", "1d4ed8", "93c5fd"),
    token("action", "1e40af", "bfdbfe"),
    token("on-action", "ffffff", "10234d"),
    token("danger", "991b1b", "fecaca"),
    token("on-danger", "ffffff", "450a0a"),
    token("bar", "1d4ed8", "7db4ff"),
    token("track", "e4e8ee", "2a3546"),
    // Badges: the word, and what it stands on.
    token("new-text", "1f2937", "e5e7eb"),
    token("new", "e5e7eb", "374151"),
    token("held-text", "78350f", "fde68a"),
    token("held", "fef3c7", "5f2a0c"),
    token("armed-text", "1e3a8a", "bfdbfe"),
    token("armed", "dbeafe", "1e3a8a"),
    token("installing-text", "1e3a8a", "bfdbfe"),
    token("installing", "dbeafe", "1e3a8a"),
    token("done-text", "164e63", "a5f3fc"),
    token("done", "cffafe", "154456"),
    token("up-text", "14532d", "bbf7d0"),
    token("up", "dcfce7", "14532d"),
    token("local-text", "374151", "d1d5db"),
    token("local", "f3f4f6", "1f2937"),
    token("live-text", "1e3a8a", "bfdbfe"),
    token("live", "dbeafe", "1e3a8a"),
    token("stalled-text", "7c2d12", "ffedd5"),
    token("stalled", "ffedd5", "7c2d12"),
    token("failed-text", "7f1d1d", "fee2e2"),
    token("failed", "fee2e2", "7f1d1d"),
    token("locked-text", "581c87", "e9d5ff"),
    token("locked", "f3e8ff", "581c87"),
    token("ignored-text", "4b5563", "d1d5db"),
    token("ignored", "ffffff", "111827"),
];

/// The style sheet's variables: light, dark where the system or the person wants it.
pub(crate) fn sheet() -> String {
    let all = |of: fn(&Token) -> &'static str| {
        let lines = TOKENS.iter().map(|token| format!("--{}:#{};", token.name, of(token)));
        lines.collect::<String>()
    };
    let (light, dark) = (all(|token| token.light), all(|token| token.dark));
    format!(
        ":root{{color-scheme:light;{light}}}\n\
         @media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n\
         :root[data-theme=dark]{{color-scheme:dark;{dark}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of a colour (WCAG 2.2).
    fn luminance(colour: &str) -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn colour(name: &str) -> &'static Token {
        TOKENS.iter().find(|token| token.name == name).unwrap()
    }

    #[test]
    fn contrast_is_computed_as_the_standard_says() {
        assert!((contrast("000000", "ffffff") - 21.0).abs() < 0.001);
        // An example that is published with its value.
        assert!((contrast("777777", "ffffff") - 4.478).abs() < 0.01);
    }

    #[test]
    fn every_text_stands_out_sevenfold_from_what_it_stands_on() {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for ground in ["ground", "surface", "raised"] {
            for text in ["text", "quiet", "link", "danger"] {
                pairs.push((text.to_owned(), ground.to_owned()));
            }
        }
        pairs.push(("on-action".to_owned(), "action".to_owned()));
        pairs.push(("on-danger".to_owned(), "danger".to_owned()));
        for (badge, _) in crate::page::BADGES {
            pairs.push((format!("{badge}-text"), badge.to_owned()));
        }
        assert_eq!(pairs.len(), 26);
        let weak: Vec<String> = pairs
            .iter()
            .flat_map(|(text, ground)| {
                let (text, ground) = (colour(text), colour(ground));
                [("light", text.light, ground.light), ("dark", text.dark, ground.dark)].map(|(theme, one, other)| {
                    (
                        format!("{} on {} in {theme}", text.name, ground.name),
                        contrast(one, other),
                    )
                })
            })
            .filter(|(_, contrast)| *contrast < 7.0)
            .map(|(pair, contrast)| format!("{pair}: {contrast:.2}"))
            .collect();
        assert!(weak.is_empty(), "{weak:#?}");
    }

    #[test]
    fn what_is_no_text_stands_out_threefold() {
        for ground in ["ground", "surface", "raised"] {
            for mark in ["control-edge", "focus", "bar"] {
                for (one, other) in [
                    (colour(mark).light, colour(ground).light),
                    (colour(mark).dark, colour(ground).dark),
                ] {
                    assert!(
                        contrast(one, other) >= 3.0,
                        "{mark} on {ground}: {:.2}",
                        contrast(one, other)
                    );
                }
            }
        }
        for (one, other) in [
            (colour("bar").light, colour("track").light),
            (colour("bar").dark, colour("track").dark),
        ] {
            assert!(contrast(one, other) >= 3.0);
        }
    }
}
