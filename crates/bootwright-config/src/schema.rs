//! Every key of the configuration: what may stand there, and what it is.
//!
//! The table for people's editors and for programs. The lowering decides; a test holds both together, key by key.

mod table;
#[cfg(test)]
mod tests;

pub use table::TOP;

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// What it is, in one line.
    pub says: &'static str,
}

/// What may stand at a key.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// One of these words.
    Words(&'static [&'static str]),
    /// True or false.
    Bool,
    /// A whole number from the first to the second.
    Number(u32, u32),
    /// A span of time such as `90s` or `1h30m`.
    Span,
    /// The same, or `off`.
    SpanOrOff,
    /// Text, a number, or true or false.
    Scalar,
    /// A table of whatever somebody likes.
    Anything,
    /// A table with these keys and no others.
    Table(&'static [Key]),
    /// A table whose keys somebody chooses.
    Map(&'static Kind),
    /// A list of these, or one that stands in its place.
    Items(&'static Kind),
    /// A list of these.
    List(&'static Kind),
    /// One of these.
    Either(&'static [Kind]),
}
