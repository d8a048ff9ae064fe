//! `pxelinux.cfg/`: what PXELINUX's menus boot.

use bootwright_core::MacAddr;

use super::Text;

/// One entry of a menu.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) name: String,
    pub(super) kernel: String,
    pub(super) initrds: Vec<String>,
    pub(super) args: Vec<String>,
    pub(super) local: bool,
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    is_default: bool,
}

/// The entry that is taken when nobody chooses.
pub(super) fn default(text: &str) -> Option<Label> {
    let mut wanted = None;
    let mut labels: Vec<Label> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match (word.to_ascii_lowercase().as_str(), labels.last_mut()) {
            ("default" | "ontimeout", _) => wanted = rest.split_whitespace().next().map(str::to_owned),
            ("label", _) => labels.push(Label {
                name: rest.to_owned(),
                line: index + 1,
                ..Label::default()
            }),
            ("menu", Some(label)) if rest.eq_ignore_ascii_case("default") => label.is_default = true,
            ("kernel" | "linux", Some(label)) => label.kernel = rest.to_owned(),
            ("initrd", Some(label)) => label.initrds.extend(rest.split(',').map(str::to_owned)),
            ("localboot", Some(label)) => label.local = true,
            ("append", Some(label)) => {
                for word in rest.split_whitespace() {
                    match word.strip_prefix("initrd=") {
                        Some(files) => label.initrds.extend(files.split(',').map(str::to_owned)),
                        None => label.args.push(word.to_owned()),
                    }
                }
            }
            _ => {}
        }
    }
    let named = |label: &&Label| wanted.as_ref().is_some_and(|wanted| label.name == *wanted);
    let found = labels
        .iter()
        .find(|label| label.is_default)
        .or_else(|| labels.iter().find(named));
    found.or(labels.first()).cloned()
}

/// The machine that a file is for: `01-52-54-00-ab-cd-ef`.
pub(super) fn machine(text: &Text) -> Option<MacAddr> {
    text.path.rsplit('/').next()?.strip_prefix("01-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_that_nobody_has_to_choose_is_found() {
        let menu = "default menu.c32\ntimeout 30\nlabel fcos\n  kernel fcos/vmlinuz\n  append ip=dhcp initrd=a.img,b.img coreos.inst=yes\n\
                    LABEL localdisk\n  MENU DEFAULT\n  LOCALBOOT 0\n";
        let local = default(menu).unwrap();
        assert!(local.local && local.name == "localdisk", "{local:?}");
        let fcos = default(&menu.replace("  MENU DEFAULT\n", "")).unwrap();
        assert_eq!((fcos.kernel.as_str(), fcos.line), ("fcos/vmlinuz", 3));
        assert_eq!(fcos.initrds, ["a.img", "b.img"]);
        assert_eq!(fcos.args, ["ip=dhcp", "coreos.inst=yes"]);
        assert_eq!(default("no menu at all\n\u{0}"), None);
    }
}
