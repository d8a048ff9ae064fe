//! The context as the values that templates see.
//!
//! Texts that a machine made up appear twice: as a word, under the plain name, and whole below `raw`. A whole text cannot be
//! printed; it has to pass a filter that quotes it. What gets around that, such as joining it to another text, sees the word.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bootwright_core::Firmware;
use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use crate::context::{Context, Values};
use crate::{secret, text};

/// A whole text that somebody else made up.
pub(crate) struct Raw(String);

impl Raw {
    /// The whole text on one line.
    pub(crate) fn one_line(&self) -> String {
        text::one_line(&self.0)
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::word(&self.0))
    }
}

impl Object for Raw {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::word(&self.0))
    }
}

/// How deep names with dots nest at most. A report may set such names, and each level takes some of the stack.
pub const DEPTH_MAX: usize = 16;

/// Something in place of each value that an operator names: it has whatever is asked of it, this many levels deep.
#[derive(Debug)]
struct Anything(u8);

impl Object for Anything {
    fn get_value(self: &Arc<Self>, _key: &Value) -> Option<Value> {
        Some(match self.0.checked_sub(1) {
            Some(levels) => Value::from_object(Self(levels)),
            None => Value::from("x"),
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["x"])
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("x")
    }
}

/// In which form templates see a text that somebody else made up.
#[derive(Clone, Copy)]
enum Shape {
    /// As a word, under the plain name.
    Plain,
    /// Whole, below `raw`.
    Raw,
}

/// Everything that a template sees.
pub(crate) fn root(context: &Context) -> Value {
    let named = |shape| {
        let labels = tree(&context.labels, shape);
        let metadata = tree(&context.metadata, shape);
        [labels, metadata, branch(&context.reported, shape)]
    };
    assemble(context, named(Shape::Plain), named(Shape::Raw))
}

/// The same with something in place of every label, metadata and report.
pub(crate) fn root_of_anything(context: &Context) -> Value {
    let anything = || [(); 3].map(|()| Value::from_object(Anything(4)));
    assemble(context, anything(), anything())
}

fn assemble(context: &Context, named: [Value; 3], raw_named: [Value; 3]) -> Value {
    let ([label, metadata, facts], [raw_label, raw_metadata, raw_facts]) = (named, raw_named);
    let raw_host = map(machine_texts(context, Shape::Raw)
        .into_iter()
        .chain([("facts", raw_facts)]));
    let server = [
        ("url", Value::from(context.server.url.as_str())),
        ("address", Value::from(context.server.address.to_string())),
    ];
    let mut names: Vec<(&str, Value)> = vec![
        ("host", host(context, facts)),
        ("label", label),
        ("metadata", metadata),
        ("profile", map([("name", Value::from(context.profile.as_str()))])),
        ("server", map(server)),
        ("secret", secret::Function::value(&context.secrets)),
        (
            "raw",
            map([("host", raw_host), ("label", raw_label), ("metadata", raw_metadata)]),
        ),
    ];
    if let (Some(run), Some(url)) = (&context.run, context.run_url()) {
        let run = [
            ("url", Value::from(url)),
            ("number", Value::from(run.number.get())),
            ("token", Value::from(run.token.reveal())),
            ("attempt", Value::from(run.attempt)),
        ];
        names.push(("run", map(run)));
    }
    map(names)
}

fn map<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let pairs: BTreeMap<String, Value> = pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Value::from(pairs)
}

fn host(context: &Context, reported: Value) -> Value {
    let (facts, seen) = (&context.facts, &context.seen);
    let mac = context.boot_mac();
    let firmware = seen
        .firmware
        .or(seen.arch.map(Firmware::of))
        .map(|firmware| match firmware {
            Firmware::Bios => "bios",
            Firmware::Uefi => "uefi",
        });
    let typed = [
        ("name", Value::from(context.host.as_str())),
        ("facts", reported),
        ("mac", or_empty(mac)),
        ("mac_hyphens", or_empty(mac.map(bootwright_core::MacAddr::hyphens))),
        (
            "macs",
            facts.macs.iter().map(|mac| Value::from(mac.to_string())).collect(),
        ),
        ("uuid", or_empty(facts.uuid)),
        ("address", or_empty(seen.address)),
        ("interface", or_empty(seen.link.as_deref().map(text::word))),
        ("firmware", or_empty(firmware)),
        ("arch", or_empty(seen.arch.and_then(bootwright_core::Arch::name))),
    ];
    map(typed.into_iter().chain(machine_texts(context, Shape::Plain)))
}

/// What is not known is an empty text, which `if` takes for false.
fn or_empty(known: Option<impl ToString>) -> Value {
    Value::from(known.map(|known| known.to_string()).unwrap_or_default())
}

fn machine_texts(context: &Context, shape: Shape) -> [(&'static str, Value); 4] {
    let facts = &context.facts;
    [
        ("serial", &facts.serial),
        ("asset", &facts.asset),
        ("manufacturer", &facts.manufacturer),
        ("product", &facts.product),
    ]
    .map(|(name, fact)| {
        let fact = fact.as_deref().unwrap_or_default();
        match shape {
            Shape::Plain => (name, Value::from(text::word(fact))),
            Shape::Raw => (name, Value::from_object(Raw(fact.to_owned()))),
        }
    })
}

/// Named texts with dots in their names, on their way to nested tables.
#[derive(Default)]
struct Branch(BTreeMap<String, Node>);

enum Node {
    Leaf(Value),
    Branch(Branch),
}

/// The nested values that names with dots stand for: the configuration's tables and lists were flattened so.
fn tree(values: &Values, shape: Shape) -> Value {
    let mut top = Branch::default();
    let shallow = |(name, _): &(&String, &String)| name.matches('.').count() < DEPTH_MAX;
    for (name, text) in values.configured.iter().filter(shallow) {
        top.insert(name, leaf(text, text, shape));
    }
    top.grow(&values.stored, shape);
    top.into_value()
}

/// The same of texts that machines and clients made up.
fn branch(texts: &BTreeMap<String, String>, shape: Shape) -> Value {
    let mut top = Branch::default();
    top.grow(texts, shape);
    top.into_value()
}

fn leaf(plain: &str, whole: &str, shape: Shape) -> Value {
    match (shape, plain) {
        (Shape::Raw, _) => Value::from_object(Raw(whole.to_owned())),
        (Shape::Plain, "true") => Value::from(true),
        (Shape::Plain, "false") => Value::from(false),
        (Shape::Plain, _) => Value::from(plain),
    }
}

impl Branch {
    /// Puts texts that somebody else made up in their places, those that have names shallow enough.
    fn grow(&mut self, texts: &BTreeMap<String, String>, shape: Shape) {
        let shallow = |(name, _): &(&String, &String)| name.matches('.').count() < DEPTH_MAX;
        for (name, text) in texts.iter().filter(shallow) {
            self.insert(name, leaf(&text::stored(text), text, shape));
        }
    }

    /// Puts a value in its place, unless something is there already.
    fn insert(&mut self, name: &str, value: Value) {
        match name.split_once('.') {
            None => {
                self.0.entry(name.to_owned()).or_insert(Node::Leaf(value));
            }
            Some((first, rest)) => {
                let below = self
                    .0
                    .entry(first.to_owned())
                    .or_insert_with(|| Node::Branch(Self::default()));
                if let Node::Branch(branch) = below {
                    branch.insert(rest, value);
                }
            }
        }
    }

    /// A list if the names are 0, 1, 2 and so on, else a table.
    fn into_value(self) -> Value {
        let mut numbered: BTreeMap<usize, &str> = BTreeMap::new();
        for name in self.0.keys() {
            if let Ok(number) = name.parse() {
                numbered.insert(number, name);
            }
        }
        let is_list =
            !self.0.is_empty() && numbered.len() == self.0.len() && numbered.keys().copied().eq(0..numbered.len());
        if is_list {
            let order: Vec<String> = numbered.into_values().map(str::to_owned).collect();
            let mut nodes = self.0;
            return order
                .iter()
                .filter_map(|name| nodes.remove(name))
                .map(Node::into_value)
                .collect();
        }
        let pairs: BTreeMap<String, Value> = self
            .0
            .into_iter()
            .map(|(name, node)| (name, node.into_value()))
            .collect();
        Value::from(pairs)
    }
}

impl Node {
    fn into_value(self) -> Value {
        match self {
            Self::Leaf(value) => value,
            Self::Branch(branch) => branch.into_value(),
        }
    }
}
