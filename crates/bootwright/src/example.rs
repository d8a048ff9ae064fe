//! The catalogue: a profile for each family of operating systems, as `config/examples/` has it.

/// A file: its name and its text.
type File = (&'static str, &'static str);

/// Every example: its name and its files, `config.toml` among them.
pub const ALL: &[(&str, &[File])] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// An example made into a part of somebody's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The text of `conf.d/NAME.toml`.
    pub config: String,
    /// The documents, for the directory `conf.d/NAME`.
    pub files: Vec<File>,
}

/// The example of this name, with its profile called `name`. Its documents are looked for in a directory of that name, and
/// its machines are made comments: they are nobody's.
#[must_use]
pub fn part(os: &str, name: &str) -> Option<Part> {
    let (_, files) = ALL.iter().find(|(known, _)| *known == os)?;
    let (_, text) = files.iter().find(|(file, _)| *file == "config.toml")?;
    let of_profile = |line: &str| {
        line.strip_prefix("[profiles.")?
            .split([']', '.'])
            .next()
            .map(str::to_owned)
    };
    let old = text.lines().find_map(of_profile)?;
    let mut config = String::new();
    let mut hosts = false;
    for line in text.lines() {
        hosts |= line.starts_with("[hosts.");
        let mut line = line
            .replace("{ file = \"", &format!("{{ file = \"{name}/"))
            .replace(&format!("profile = \"{old}\""), &format!("profile = \"{name}\""));
        // A second profile of the example is called after the first one.
        for end in [']', '.', '-'] {
            if let Some(rest) = line.strip_prefix(&format!("[profiles.{old}{end}")) {
                line = format!("[profiles.{name}{end}{rest}");
                break;
            }
        }
        if hosts && !line.is_empty() {
            config.push_str("# ");
        }
        config.push_str(&line);
        config.push('\n');
    }
    Some(Part {
        config,
        files: files
            .iter()
            .copied()
            .filter(|(file, _)| *file != "config.toml")
            .collect(),
    })
}
