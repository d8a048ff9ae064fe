//! What a boot loader is told to load, with every value in place.

use std::fmt;

use bootwright_core::Profile;

use crate::cloud_init;
use crate::context::Context;
use crate::document::{self, Finished};
use crate::secret::secrets_asked;
use crate::template::{Template, TemplateError};

/// The longest kernel command line, in bytes: x86 Linux keeps 2048 with the closing zero.
pub const ARGS_BYTES_MAX: usize = 2047;

/// A kernel, what goes with it, and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootPlan {
    /// The kernel's URL.
    pub kernel: String,
    /// What goes with it, in order.
    pub initrds: Vec<BootInitrd>,
    /// The kernel's arguments on one line: printable ASCII, words with one space between them.
    pub args: String,
}

/// An initial ramdisk, or a file to be put into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootInitrd {
    /// The name that the image gets and that an `initrd=` argument repeats: EFI kernels started by older iPXE find it by
    /// that alone. Files that are put into an initial ramdisk have none.
    pub name: Option<String>,
    /// Its URL.
    pub url: String,
    /// Where in the initial ramdisk the file is put, if it is no archive.
    pub target: Option<String>,
}

/// The part of a profile that a problem is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Its kernel.
    Kernel,
    /// The initrd with this index.
    Initrd(usize),
    /// The argument with this index.
    Arg(usize),
    /// All arguments together.
    Args,
    /// The document with this name.
    File(String),
}

/// What is wrong with a profile, or with what it makes for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In which part. The place within `error` is one in that part's template.
    pub part: Part,
    /// What is wrong.
    pub error: TemplateError,
}

/// Renders what a boot loader is told to load.
///
/// An `initrd=` argument is put in front for each initial ramdisk, in order, and a `BOOTIF=` argument with the card that
/// the host boots from unless the profile has one: in front, since Debian's installer copies what stands behind `---` to
/// the installed system.
///
/// # Errors
///
/// If a template asks for what this host has not, if an address is none, or if the arguments cannot be one kernel's.
pub fn render_boot(profile: &Profile, context: &Context) -> Result<BootPlan, Problem> {
    let kernel = render_url(&profile.kernel, Part::Kernel, context)?;
    let mut initrds = Vec::new();
    let mut words = Vec::new();
    for (index, initrd) in profile.initrds.iter().enumerate() {
        let name = initrd.target.is_none().then(|| match words.len() {
            0 => "main".to_owned(),
            before => format!("initrd{}", before + 1),
        });
        words.extend(name.as_ref().map(|name| format!("initrd={name}")));
        initrds.push(BootInitrd {
            name,
            url: render_url(&initrd.source, Part::Initrd(index), context)?,
            target: initrd.target.clone(),
        });
    }
    let mut own = Vec::new();
    for (index, arg) in profile.args.iter().enumerate() {
        own.extend(render_words(arg, index, context)?);
    }
    if let Some(mac) = context.boot_mac()
        && !own.iter().any(|word| word.starts_with("BOOTIF="))
    {
        words.push(format!("BOOTIF=01-{}", mac.hyphens()));
    }
    words.extend(own);
    let args = words.join(" ");
    if args.len() > ARGS_BYTES_MAX {
        let message = format!(
            "the kernel's arguments are {} bytes long; a kernel takes no more than {ARGS_BYTES_MAX}",
            args.len()
        );
        return Err(Problem::new(
            Part::Args,
            "",
            &message,
            "move settings into a file of the profile",
        ));
    }
    Ok(BootPlan { kernel, initrds, args })
}

/// Renders one document of a run.
///
/// # Errors
///
/// The first thing that is wrong: the profile has no document of this name, its template asks for what this host has not,
/// it is no JSON though its name says so (`.json`), Butane or Ignition that no machine would take, or a part of cloud-init's
/// seed that it could not read.
pub fn render_document(profile: &Profile, name: &str, context: &Context) -> Result<String, Problem> {
    let made = finish_document(profile, name, context);
    made.map(|made| made.text)
        .map_err(|mut problems| problems.swap_remove(0))
}

/// One document of a run with everything that is wrong, at least one problem, or odd.
pub(crate) fn finish_document(profile: &Profile, name: &str, context: &Context) -> Result<Finished, Vec<Problem>> {
    let part = Part::File(name.to_owned());
    let Some(document) = profile.files.get(name) else {
        if profile.has_document(name) {
            return Ok(Finished {
                text: cloud_init::missing_part(name, context),
                warnings: Vec::new(),
            });
        }
        let message = format!("profile `{}` has no file `{name}`", profile.name);
        return Err(vec![Problem::new(part, "", &message, "")]);
    };
    let in_part = |error| Problem {
        part: part.clone(),
        error,
    };
    let finish = |text| {
        let made = document::finish(name, document, text, context);
        made.map_err(|errors| errors.into_iter().map(in_part).collect::<Vec<_>>())
    };
    let rendered =
        |context: &Context| render(&document.template, part.clone(), context).map_err(|problem| vec![problem]);
    if let Ok(made) = finish(rendered(context)?) {
        return Ok(made);
    }
    // What is wrong is told without its secrets, of the same document.
    let told = finish(rendered(&context.without_secrets())?);
    let Err(problems) = told else {
        let error = TemplateError {
            message: "the text is wrong with its secrets in place, and right without".to_owned(),
            hint: Some("quote them for the format around them, as in `{{ secret(\"name\") | json }}`".to_owned()),
            ..TemplateError::at(&document.template, 0..0)
        };
        return Err(vec![Problem { part, error }]);
    };
    Err(problems)
}

/// What a boot loader is handed stands on the machine's console and in `/proc/cmdline` of what it boots, for everybody there.
pub(crate) fn no_secret(part: &Part, template: &str) -> Option<Problem> {
    if matches!(part, Part::File(_)) {
        return None;
    }
    let asked = secrets_asked(template).into_iter().next()?;
    let error = TemplateError {
        message: "a secret would stand on the console and in the kernel's command line".to_owned(),
        hint: Some("write it into a document of the profile, below `files`".to_owned()),
        ..TemplateError::at(template, asked.span)
    };
    Some(Problem {
        part: part.clone(),
        error,
    })
}

fn render(template: &str, part: Part, context: &Context) -> Result<String, Problem> {
    if let Some(problem) = no_secret(&part, template) {
        return Err(problem);
    }
    let name = part.to_string();
    let rendered = Template::compile(&name, template).and_then(|compiled| compiled.render(context));
    rendered.map_err(|error| Problem { part, error })
}

fn render_url(template: &str, part: Part, context: &Context) -> Result<String, Problem> {
    let text = render(template, part.clone(), context)?;
    let text = text.trim();
    if text.chars().any(|c| !c.is_ascii_graphic()) {
        let message = format!("`{text}` holds a space or a character that no URL may hold");
        return Err(Problem::new(
            part,
            template,
            &message,
            "write it as `%20`, or rename the file",
        ));
    }
    if text.starts_with('/') {
        Ok(format!("{}{text}", context.server.url))
    } else if ["http://", "https://", "tftp://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
    {
        Ok(text.to_owned())
    } else {
        let message = format!("`{text}` is neither a path on this server nor a URL");
        let hint = "begin it with `/images/`, `/assets/`, `{{ run.url }}/` or `http://`";
        Err(Problem::new(part, template, &message, hint))
    }
}

/// The words of one argument; none if it renders to nothing, as `{% if … %}` may.
fn render_words(template: &str, index: usize, context: &Context) -> Result<Vec<String>, Problem> {
    let part = Part::Arg(index);
    let text = render(template, part.clone(), context)?;
    let words: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
    for word in &words {
        let refusal = if !word.chars().all(|c| c.is_ascii_graphic()) {
            Some((
                format!(
                    "`{}` holds a character that no kernel argument may hold",
                    word.escape_debug()
                ),
                "use printable ASCII; write others into a file of the profile",
            ))
        } else if matches!(word.as_str(), "||" | "&&") {
            Some((
                format!("`{word}` would end the command in an iPXE script"),
                "leave it out",
            ))
        } else if word.starts_with("initrd=") {
            Some((
                format!("`{word}` would hide the initrds from the kernel"),
                "leave it out: an `initrd=` argument is added for each of them",
            ))
        } else {
            None
        };
        if let Some((message, hint)) = refusal {
            return Err(Problem::new(part, template, &message, hint));
        }
    }
    Ok(words)
}

impl Problem {
    /// A problem with the whole of a template.
    fn new(part: Part, template: &str, message: &str, hint: &str) -> Self {
        let error = TemplateError {
            message: message.to_owned(),
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
            ..TemplateError::at(template, 0..template.len())
        };
        Self { part, error }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel => f.write_str("kernel"),
            Self::Initrd(index) => write!(f, "initrds[{index}]"),
            Self::Arg(index) => write!(f, "args[{index}]"),
            Self::Args => f.write_str("args"),
            Self::File(name) => write!(f, "files.{name}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::File(_) => write!(f, "{}, {}", self.part, self.error),
            _ => write!(f, "{}: {}", self.part, self.error.message),
        }
    }
}

impl std::error::Error for Problem {}
