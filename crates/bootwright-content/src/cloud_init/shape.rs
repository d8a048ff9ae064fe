//! The shapes of `#cloud-config`, by cloud-init's documentation of its modules.

use super::kind::Kind;
use crate::tree::{Fault, Node};

/// A shape that a value may have.
pub(super) enum Shape {
    Any,
    Null,
    Text,
    Flag,
    Int,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// A list of these, at least and at most so long.
    List(&'static [Shape], usize, usize),
    /// A table of keys.
    Table(&'static Keys),
}

/// The keys of a table.
pub(super) struct Keys {
    known: &'static [(&'static str, &'static [Shape])],
    /// Of each of these at least one must be there.
    needed: &'static [&'static [&'static str]],
    /// Whether there may be no others.
    closed: bool,
}

/// A fault, and how deep it lies: the deepest is the one that was meant.
pub(super) struct Wrong {
    pub(super) fault: Fault,
    depth: usize,
}

use Shape::{Any, Flag, Int, List, Null, Table, Text, Word};

const MANY: usize = usize::MAX;
const TEXTS: Shape = List(&[Text], 0, MANY);
const SOME_TEXTS: Shape = List(&[Text], 1, MANY);

const USER: Shape = Table(&Keys {
    known: &[
        ("name", &[Text]),
        ("snapuser", &[Text]),
        ("expiredate", &[Text]),
        ("gecos", &[Text]),
        (
            "groups",
            &[
                Text,
                SOME_TEXTS,
                Table(&Keys {
                    known: &[],
                    needed: &[],
                    closed: false,
                }),
            ],
        ),
        ("homedir", &[Text]),
        ("inactive", &[Text]),
        ("lock-passwd", &[Flag]),
        ("lock_passwd", &[Flag]),
        ("no_create_home", &[Flag]),
        ("no_log_init", &[Flag]),
        ("no_user_group", &[Flag]),
        ("passwd", &[Text]),
        ("hashed_passwd", &[Text]),
        ("plain_text_passwd", &[Text]),
        ("create_groups", &[Flag]),
        ("primary_group", &[Text]),
        ("selinux_user", &[Text]),
        ("shell", &[Text]),
        ("ssh_authorized_keys", &[SOME_TEXTS]),
        ("ssh_import_id", &[SOME_TEXTS]),
        ("ssh_redirect_user", &[Flag]),
        ("system", &[Flag]),
        ("sudo", &[Text, Null, Flag]),
        ("uid", &[Int, Text]),
    ],
    needed: &[&["name", "snapuser"]],
    closed: true,
});

const WRITE_FILE: Shape = Table(&Keys {
    known: &[
        ("path", &[Text]),
        ("content", &[Text]),
        ("owner", &[Text]),
        ("permissions", &[Text]),
        (
            "encoding",
            &[Word(&[
                "gz",
                "gzip",
                "gz+base64",
                "gzip+base64",
                "gz+b64",
                "gzip+b64",
                "b64",
                "base64",
                "text/plain",
            ])],
        ),
        ("append", &[Flag]),
        ("defer", &[Flag]),
    ],
    needed: &[&["path"]],
    closed: true,
});

const POWER_STATE: Shape = Table(&Keys {
    known: &[
        ("delay", &[Int, Text]),
        ("mode", &[Word(&["poweroff", "reboot", "halt"])]),
        ("message", &[Text]),
        ("timeout", &[Int]),
        ("condition", &[Text, Flag, List(&[Any], 0, MANY)]),
    ],
    needed: &[&["mode"]],
    closed: true,
});

const PHONE_HOME: Shape = Table(&Keys {
    known: &[
        ("url", &[Text]),
        (
            "post",
            &[
                Word(&["all"]),
                List(
                    &[Word(&[
                        "pub_key_dsa",
                        "pub_key_rsa",
                        "pub_key_ecdsa",
                        "pub_key_ed25519",
                        "instance_id",
                        "hostname",
                        "fqdn",
                    ])],
                    0,
                    MANY,
                ),
            ],
        ),
        ("tries", &[Int]),
    ],
    needed: &[&["url"]],
    closed: true,
});

/// The whole of a `#cloud-config`.
pub(super) const CLOUD_CONFIG: &[Shape] = &[Table(&Keys {
    known: &[
        (
            "users",
            &[
                Text,
                List(&[Text, TEXTS, USER], 1, MANY),
                Table(&Keys {
                    known: &[],
                    needed: &[],
                    closed: false,
                }),
            ],
        ),
        ("user", &[Text, USER]),
        ("write_files", &[List(&[WRITE_FILE], 1, MANY)]),
        ("runcmd", &[List(&[TEXTS, Text, Null], 1, MANY)]),
        ("bootcmd", &[List(&[TEXTS, Text], 1, MANY)]),
        ("packages", &[List(&[List(&[Text], 2, 2), Text], 1, MANY)]),
        ("package_update", &[Flag]),
        ("package_upgrade", &[Flag]),
        ("package_reboot_if_required", &[Flag]),
        ("hostname", &[Text]),
        ("fqdn", &[Text]),
        ("preserve_hostname", &[Flag]),
        ("prefer_fqdn_over_hostname", &[Flag]),
        ("manage_etc_hosts", &[Flag, Word(&["localhost", "template"])]),
        ("ssh_authorized_keys", &[SOME_TEXTS]),
        ("ssh_import_id", &[TEXTS]),
        ("ssh_deletekeys", &[Flag]),
        (
            "ssh_genkeytypes",
            &[List(&[Word(&["dsa", "ecdsa", "ed25519", "rsa"])], 1, MANY)],
        ),
        ("ssh_pwauth", &[Flag, Text]),
        ("ssh_quiet_keygen", &[Flag]),
        ("disable_root", &[Flag]),
        ("disable_root_opts", &[Text]),
        ("allow_public_ssh_keys", &[Flag]),
        ("password", &[Text]),
        (
            "chpasswd",
            &[Table(&Keys {
                known: &[
                    ("expire", &[Flag]),
                    ("list", &[Text, TEXTS]),
                    ("users", &[List(&[Any], 0, MANY)]),
                ],
                needed: &[],
                closed: true,
            })],
        ),
        ("timezone", &[Text]),
        ("locale", &[Text]),
        ("locale_configfile", &[Text]),
        (
            "keyboard",
            &[Table(&Keys {
                known: &[
                    ("layout", &[Text]),
                    ("model", &[Text]),
                    ("variant", &[Text]),
                    ("options", &[Text]),
                ],
                needed: &[&["layout"]],
                closed: true,
            })],
        ),
        ("final_message", &[Text]),
        ("power_state", &[POWER_STATE]),
        ("phone_home", &[PHONE_HOME]),
        (
            "growpart",
            &[Table(&Keys {
                known: &[
                    ("mode", &[Word(&["auto", "growpart", "gpart", "off"]), Flag]),
                    ("devices", &[TEXTS]),
                    ("ignore_growroot_disabled", &[Flag]),
                ],
                needed: &[],
                closed: true,
            })],
        ),
        ("resize_rootfs", &[Flag, Word(&["noblock"])]),
        ("mounts", &[List(&[List(&[Text], 1, 6)], 1, MANY)]),
        ("mount_default_fields", &[List(&[Text, Null], 6, 6)]),
        (
            "ntp",
            &[
                Null,
                Table(&Keys {
                    known: &[
                        ("pools", &[TEXTS]),
                        ("servers", &[TEXTS]),
                        ("ntp_client", &[Text]),
                        ("enabled", &[Flag]),
                        (
                            "config",
                            &[Table(&Keys {
                                known: &[],
                                needed: &[],
                                closed: false,
                            })],
                        ),
                    ],
                    needed: &[],
                    closed: true,
                }),
            ],
        ),
        (
            "autoinstall",
            &[Table(&Keys {
                known: &[("version", &[Int])],
                needed: &[&["version"]],
                closed: false,
            })],
        ),
        // What CoreOS's own reader took; cloud-init passes it over.
        (
            "coreos",
            &[Table(&Keys {
                known: &[],
                needed: &[],
                closed: false,
            })],
        ),
    ],
    needed: &[],
    closed: false,
})];

/// Whether a value has one of these shapes. `name` is where it stands, for messages.
pub(super) fn check(node: &Node, shapes: &[Shape], name: &str) -> Result<(), Wrong> {
    let mut worst: Option<Wrong> = None;
    for shape in shapes {
        match fit(node, shape, name) {
            Ok(()) => return Ok(()),
            Err(Some(wrong)) if worst.as_ref().is_none_or(|worst| wrong.depth > worst.depth) => worst = Some(wrong),
            Err(_) => {}
        }
    }
    Err(worst.unwrap_or_else(|| {
        let wanted: Vec<&str> = shapes.iter().map(Shape::words).collect();
        let message = format!(
            "`{name}` must be {}, not {}",
            wanted.join(" or "),
            Kind::of(node).words()
        );
        let hint = matches!(Kind::of(node), Kind::Int(_) | Kind::Float | Kind::Flag(_) | Kind::Date)
            .then(|| "put it into quotation marks if it is meant as text".to_owned());
        Wrong {
            fault: Fault {
                hint,
                ..Fault::new(&node.span, message)
            },
            depth: depth(name),
        }
    }))
}

/// Nothing where the value is of another kind altogether; a fault where it is of this kind, and wrong.
fn fit(node: &Node, shape: &Shape, name: &str) -> Result<(), Option<Wrong>> {
    let wrong = |node: &Node, message: String| {
        Err(Some(Wrong {
            fault: Fault::new(&node.span, message),
            depth: depth(name),
        }))
    };
    match (shape, Kind::of(node)) {
        (Shape::Any, _)
        | (Shape::Null, Kind::Null)
        | (Shape::Text, Kind::Text)
        | (Shape::Flag, Kind::Flag(_))
        | (Shape::Int, Kind::Int(_)) => Ok(()),
        (Shape::Word(words), Kind::Text) => {
            let text = node.as_text().unwrap_or_default();
            if words.contains(&text) {
                return Ok(());
            }
            wrong(
                node,
                format!(
                    "`{name}` cannot be `{}`: it is one of {}",
                    text.escape_debug(),
                    words.join(", ")
                ),
            )
        }
        (Shape::List(items, least, most), Kind::List) => {
            let crate::tree::Value::List(nodes) = &node.value else {
                return Err(None);
            };
            if nodes.len() < *least || nodes.len() > *most {
                return wrong(
                    node,
                    format!("`{name}` has {} items, which are too few or too many", nodes.len()),
                );
            }
            for (index, item) in nodes.iter().enumerate() {
                check(item, items, &format!("{name}[{index}]")).map_err(Some)?;
            }
            Ok(())
        }
        (Shape::Table(keys), Kind::Table) => fit_table(node, keys, name),
        _ => Err(None),
    }
}

fn fit_table(node: &Node, keys: &Keys, name: &str) -> Result<(), Option<Wrong>> {
    let below = |key: &str| {
        if name.is_empty() {
            key.to_owned()
        } else {
            format!("{name}.{key}")
        }
    };
    for entry in node.entries() {
        match keys.known.iter().find(|(key, _)| *key == entry.key) {
            Some((key, shapes)) => check(&entry.node, shapes, &below(key)).map_err(Some)?,
            None if keys.closed => {
                let known = keys.known.iter().map(|(key, _)| *key);
                let hint = crate::known::nearest(&entry.key, known).map(|near| format!("did you mean `{near}`?"));
                let message = format!("`{name}` has no key `{}`", entry.key.escape_debug());
                return Err(Some(Wrong {
                    fault: Fault {
                        hint,
                        ..Fault::new(&entry.at, message)
                    },
                    depth: depth(name) + 1,
                }));
            }
            None => {}
        }
    }
    for needed in keys.needed {
        if !needed.iter().any(|key| node.get(key).is_some()) {
            let fault = Fault::new(&node.span, format!("`{name}` has no `{}`", needed.join("` or `")));
            return Err(Some(Wrong {
                fault,
                depth: depth(name) + 1,
            }));
        }
    }
    Ok(())
}

fn depth(name: &str) -> usize {
    name.matches(['.', '[']).count()
}

impl Shape {
    /// For messages.
    fn words(&self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Null => "nothing",
            Self::Text => "text",
            Self::Flag => "true or false",
            Self::Int => "a whole number",
            Self::Word(_) => "a certain word",
            Self::List(..) => "a list",
            Self::Table(_) => "a table of keys",
        }
    }
}
