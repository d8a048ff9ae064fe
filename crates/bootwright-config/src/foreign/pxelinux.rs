//! What a configuration of PXELINUX starts: the one entry that a machine takes by itself.

use super::make::Boot;

/// The entry that is started when nobody chooses: the one that is named as the default, else the first.
pub(super) fn default_entry(text: &str) -> Option<Boot> {
    let mut entries: Vec<(String, Boot)> = Vec::new();
    let (mut default, mut marked) = (None, None);
    for line in text.lines() {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match word.to_ascii_lowercase().as_str() {
            "default" | "ontimeout" if entries.is_empty() => default = Some(rest.to_owned()),
            "label" => {
                let boot = Boot {
                    kernel: String::new(),
                    initrds: Vec::new(),
                    args: Vec::new(),
                };
                entries.push((rest.to_owned(), boot));
            }
            "menu" if rest.eq_ignore_ascii_case("default") => marked = entries.last().map(|(name, _)| name.clone()),
            "kernel" | "linux" => {
                if let Some((_, boot)) = entries.last_mut() {
                    boot.kernel = rest.to_owned();
                }
            }
            "initrd" => {
                if let Some((_, boot)) = entries.last_mut() {
                    boot.initrds = rest.split(',').map(str::to_owned).collect();
                }
            }
            "append" => {
                if let Some((_, boot)) = entries.last_mut() {
                    append(boot, rest);
                }
            }
            _ => {}
        }
    }
    // A program of SYSLINUX's own, such as a menu, is nothing that a profile could boot.
    entries.retain(|(_, boot)| !boot.kernel.is_empty() && !boot.kernel.ends_with(".c32"));
    let wanted = [marked, default].into_iter().flatten();
    let named = wanted
        .filter_map(|name| entries.iter().position(|(own, _)| *own == name))
        .next();
    let place = named.unwrap_or(0);
    (place < entries.len()).then(|| entries.swap_remove(place).1)
}

fn append(boot: &mut Boot, line: &str) {
    // What is filled in holds spaces of its own.
    let mut open = false;
    for word in line.split_whitespace() {
        match (word.strip_prefix("initrd="), boot.args.last_mut()) {
            (_, Some(last)) if open => *last = format!("{last} {word}"),
            (Some(files), _) => boot.initrds = files.split(',').map(str::to_owned).collect(),
            (None, _) => boot.args.push(word.to_owned()),
        }
        let last = boot.args.last();
        open = last.is_some_and(|last| last.matches("{{").count() > last.matches("}}").count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let boot = default_entry(text)?;
        Some(format!("{} {:?} {:?}", boot.kernel, boot.initrds, boot.args))
    }

    #[test]
    fn the_entry_that_a_machine_takes_by_itself_is_read() {
        // The shape of the guide's file: a menu, and one entry that is marked.
        let guide = "DEFAULT menu.c32\nPROMPT 0\nTIMEOUT 30\nLABEL other\n  KERNEL x\nLABEL fcos\n  MENU DEFAULT\n  \
                     KERNEL fcos/kernel\n  APPEND ip=dhcp initrd=fcos/a,fcos/b coreos.inst=yes\n  IPAPPEND 2\n";
        assert_eq!(
            shown(guide).as_deref(),
            Some(r#"fcos/kernel ["fcos/a", "fcos/b"] ["ip=dhcp", "coreos.inst=yes"]"#)
        );
        assert_eq!(
            shown("default two\nlabel one\nlinux 1\nlabel two\nlinux 2\ninitrd i\n").as_deref(),
            Some(r#"2 ["i"] []"#)
        );
        assert_eq!(shown("label one\nkernel k"), Some("k [] []".to_owned()));
        let filled = shown("LABEL x\nKERNEL k\nAPPEND a={{ run.url }}/b initrd=i c");
        assert_eq!(filled.as_deref(), Some(r#"k ["i"] ["a={{ run.url }}/b", "c"]"#));
        for none in [
            "",
            "UI menu.c32",
            "LABEL localdisk\n  LOCALBOOT 0",
            "label m\nkernel menu.c32",
            "kernel k",
        ] {
            assert_eq!(shown(none), None, "{none}");
        }
    }
}
