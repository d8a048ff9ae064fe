//! Go's text templates, as far as matchbox's configurations use them: filled in with what a group says when it is read.
//!
//! All that a group says is known by then. What only a request says (`.request.query.mac`) becomes a value of our own templates, which
//! knows it of the machine; it may be printed, but nothing can depend on it: which document a machine gets is decided elsewhere.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::make::literal;
use super::number::shown;
use super::parse::{Expression, Piece, parse};
use crate::node::{Node, Value};

/// A loop in a loop in a loop may be long.
const OUTPUT_BYTES_MAX: usize = 4 << 20;

/// More steps than any configuration takes.
const STEPS_MAX: usize = 200_000;

/// What is wrong, and where in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: Range<usize>,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

/// A value while a template is filled in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum {
    Text(String),
    /// As Go prints it.
    Number(f64),
    Flag(bool),
    List(Vec<Datum>),
    Table(BTreeMap<String, Datum>),
    /// An expression of our templates, known when a machine asks.
    Later(String),
}

impl Datum {
    /// A value of a group's metadata.
    pub(super) fn of(node: &Node) -> Self {
        match &node.value {
            Value::Text(text) | Value::DateTime(text) => Self::Text(text.clone()),
            #[expect(clippy::cast_precision_loss, reason = "Go reads every number of JSON so")]
            Value::Integer(number) => Self::Number(*number as f64),
            Value::HugeInteger => Self::Number(f64::MAX),
            Value::Float(text) => Self::Number(text.parse().unwrap_or_default()),
            Value::Bool(truth) => Self::Flag(*truth),
            Value::List(items) => Self::List(items.iter().map(Self::of).collect()),
            Value::Table(table) => {
                let entries = table.iter().map(|(key, entry)| (key.clone(), Self::of(&entry.node)));
                Self::Table(entries.collect())
            }
        }
    }

    /// What Go takes for true.
    fn truth(&self) -> Option<bool> {
        match self {
            Self::Text(text) => Some(!text.is_empty()),
            Self::Number(number) => Some(*number != 0.0),
            Self::Flag(flag) => Some(*flag),
            Self::List(items) => Some(!items.is_empty()),
            Self::Table(table) => Some(!table.is_empty()),
            Self::Later(_) => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Number(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Later(_) => "what a machine says when it asks",
        }
    }

    /// As it is printed into one of our templates.
    fn print(&self, out: &mut String) -> Result<(), String> {
        match self {
            Self::Text(text) => out.push_str(&literal(text)),
            Self::Number(number) => out.push_str(&shown(*number)),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Later(name) => out.push_str(name),
            Self::List(_) | Self::Table(_) => return Err(format!("{} cannot be printed", self.kind())),
        }
        Ok(())
    }
}

/// The text with everything filled in, as one of our templates.
pub(super) fn fill(text: &str, data: &Datum) -> Result<String, Wrong> {
    let pieces = parse(text)?;
    let mut filling = Filling {
        scopes: vec![BTreeMap::from([(String::new(), data.clone())])],
        out: String::new(),
        steps: 0,
    };
    filling.all(&pieces, data)?;
    Ok(filling.out)
}

struct Filling {
    /// Variables, the innermost last; the one without a name is `$`.
    scopes: Vec<BTreeMap<String, Datum>>,
    out: String,
    steps: usize,
}

impl Filling {
    fn all(&mut self, pieces: &[Piece], dot: &Datum) -> Result<(), Wrong> {
        self.scopes.push(BTreeMap::new());
        let mut done = Ok(());
        for piece in pieces {
            done = self.piece(piece, dot);
            if done.is_err() {
                break;
            }
        }
        self.scopes.pop();
        done
    }

    fn piece(&mut self, piece: &Piece, dot: &Datum) -> Result<(), Wrong> {
        self.steps += 1;
        let too_much = self.steps > STEPS_MAX || self.out.len() > OUTPUT_BYTES_MAX;
        match piece {
            Piece::Text(text) => self.out.push_str(&literal(text)),
            Piece::Print(expression) => {
                if too_much {
                    return Err(wrong(expression, "the template makes too much text".to_owned(), ""));
                }
                let value = self.value(expression, dot)?;
                value
                    .print(&mut self.out)
                    .map_err(|message| wrong(expression, message, "print one of its values"))?;
            }
            Piece::Set(name, expression) => {
                let value = self.value(expression, dot)?;
                if let Some(scope) = self.scopes.last_mut() {
                    scope.insert(name.clone(), value);
                }
            }
            Piece::If(arms, otherwise) => {
                for (condition, pieces) in arms {
                    if self.truth(condition, dot)? {
                        return self.all(pieces, dot);
                    }
                }
                self.all(otherwise, dot)?;
            }
            Piece::With(expression, pieces, otherwise) => {
                let value = self.value(expression, dot)?;
                match value.truth() {
                    Some(false) => self.all(otherwise, dot)?,
                    Some(true) | None => self.all(pieces, &value)?,
                }
            }
            Piece::Range {
                names,
                over,
                pieces,
                otherwise,
            } => self.range(names, over, pieces, otherwise, dot)?,
        }
        Ok(())
    }

    fn range(
        &mut self,
        names: &[String],
        over: &Expression,
        pieces: &[Piece],
        otherwise: &[Piece],
        dot: &Datum,
    ) -> Result<(), Wrong> {
        let rounds: Vec<(Datum, Datum)> = match self.value(over, dot)? {
            Datum::List(items) => {
                #[expect(clippy::cast_precision_loss, reason = "a list has fewer items than that")]
                let number = |place: usize| Datum::Number(place as f64);
                items
                    .into_iter()
                    .enumerate()
                    .map(|(place, item)| (number(place), item))
                    .collect()
            }
            Datum::Table(table) => table.into_iter().map(|(key, item)| (Datum::Text(key), item)).collect(),
            other => {
                let message = format!("`range` goes over a list or a table, not over {}", other.kind());
                return Err(wrong(over, message, "give a list in the group's metadata"));
            }
        };
        if rounds.is_empty() {
            return self.all(otherwise, dot);
        }
        for (key, item) in rounds {
            if self.steps > STEPS_MAX {
                return Err(wrong(over, "the template makes too much text".to_owned(), ""));
            }
            let mut scope = BTreeMap::new();
            match names {
                [one] => {
                    scope.insert(one.clone(), item.clone());
                }
                [first, second, ..] => {
                    scope.insert(first.clone(), key);
                    scope.insert(second.clone(), item.clone());
                }
                [] => {}
            }
            self.scopes.push(scope);
            let done = self.all(pieces, &item);
            self.scopes.pop();
            done?;
        }
        Ok(())
    }

    fn truth(&mut self, expression: &Expression, dot: &Datum) -> Result<bool, Wrong> {
        let value = self.value(expression, dot)?;
        value.truth().ok_or_else(|| {
            let message = "nothing can depend on what a machine says when it asks".to_owned();
            wrong(
                expression,
                message,
                "write a group for each case; its `selector` tells machines apart",
            )
        })
    }

    fn value(&mut self, expression: &Expression, dot: &Datum) -> Result<Datum, Wrong> {
        self.steps += 1;
        match expression {
            Expression::Dot(_) => Ok(dot.clone()),
            Expression::Text(_, text) => Ok(Datum::Text(text.clone())),
            Expression::Number(_, number) => Ok(Datum::Number(*number)),
            Expression::Flag(_, flag) => Ok(Datum::Flag(*flag)),
            Expression::Variable(at, name) => {
                let found = self.scopes.iter().rev().find_map(|scope| scope.get(name));
                found.cloned().ok_or_else(|| Wrong {
                    at: at.clone(),
                    message: format!("there is no variable `${}`", name.escape_debug()),
                    hint: "set it with `{{ $name := … }}` before",
                })
            }
            Expression::Field(of, name, _) => {
                let value = self.value(of, dot)?;
                field(&value, name).map_err(|message| {
                    let hint = "add it to the group's `metadata`, where it also may be `\"\"`";
                    wrong(expression, message, hint)
                })
            }
            Expression::Call(_, function, arguments) => {
                let values: Result<Vec<Datum>, Wrong> =
                    arguments.iter().map(|argument| self.value(argument, dot)).collect();
                call(function, &values?).map_err(|message| wrong(expression, message, "see `docs/dialects.md`"))
            }
        }
    }
}

fn field(value: &Datum, name: &str) -> Result<Datum, String> {
    match value {
        Datum::Table(table) => table
            .get(name)
            .cloned()
            .ok_or_else(|| format!("there is no value for `{}`", name.escape_debug())),
        other => Err(format!("{} has no `{}`", other.kind(), name.escape_debug())),
    }
}

/// A function of Go's templates.
fn call(function: &str, values: &[Datum]) -> Result<Datum, String> {
    let later = || "nothing can depend on what a machine says when it asks".to_owned();
    let truth = |value: &Datum| value.truth().ok_or_else(later);
    let is_later = values.iter().any(|value| matches!(value, Datum::Later(_)));
    match (function, values) {
        ("eq" | "ne", _) if is_later => Err(later()),
        ("eq", [first, rest @ ..]) if !rest.is_empty() => Ok(Datum::Flag(rest.contains(first))),
        ("ne", [first, second]) => Ok(Datum::Flag(first != second)),
        ("not", [value]) => Ok(Datum::Flag(!truth(value)?)),
        ("and" | "or", [_, ..]) => {
            let wanted = function == "or";
            for value in values {
                if truth(value)? == wanted {
                    return Ok(value.clone());
                }
            }
            values.last().cloned().ok_or_else(later)
        }
        ("lt" | "le" | "gt" | "ge", [Datum::Number(a), Datum::Number(b)]) => Ok(Datum::Flag(match function {
            "lt" => a < b,
            "le" => a <= b,
            "gt" => a > b,
            _ => a >= b,
        })),
        #[expect(clippy::cast_precision_loss, reason = "a length of a text in memory")]
        ("len", [value]) => match value {
            Datum::Text(text) => Ok(Datum::Number(text.len() as f64)),
            Datum::List(items) => Ok(Datum::Number(items.len() as f64)),
            Datum::Table(table) => Ok(Datum::Number(table.len() as f64)),
            other => Err(format!("{} has no length", other.kind())),
        },
        ("index", [value, keys @ ..]) => keys.iter().try_fold(value.clone(), |value, key| match (&value, key) {
            (Datum::Table(_), Datum::Text(key)) => field(&value, key),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "out of range is no item"
            )]
            (Datum::List(items), Datum::Number(place)) => {
                let item = items.get(*place as usize).filter(|_| *place >= 0.0);
                item.cloned()
                    .ok_or_else(|| format!("the list has no item {}", shown(*place)))
            }
            (other, _) => Err(format!("`index` does not fit {}", other.kind())),
        }),
        ("print", values) => {
            let mut text = String::new();
            for value in values {
                match value {
                    Datum::Text(value) => text.push_str(value),
                    Datum::Number(number) => text.push_str(&shown(*number)),
                    Datum::Flag(flag) => text.push_str(if *flag { "true" } else { "false" }),
                    other => return Err(format!("{} cannot be printed", other.kind())),
                }
            }
            Ok(Datum::Text(text))
        }
        ("eq" | "ne" | "not" | "and" | "or" | "lt" | "le" | "gt" | "ge" | "len" | "index", _) => {
            Err(format!("`{function}` does not take these values"))
        }
        _ => Err(format!("the function `{}` is not known here", function.escape_debug())),
    }
}

fn wrong(expression: &Expression, message: String, hint: &'static str) -> Wrong {
    Wrong {
        at: expression.at(),
        message,
        hint,
    }
}
