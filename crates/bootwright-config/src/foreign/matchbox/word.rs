//! The words within an action of Go's templates, and what they mean together.

use std::ops::Range;

use super::parse::Expression;
use super::template::Wrong;

/// Deeper than anybody nests parentheses.
const DEPTH_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Text(String),
    Number(f64),
    /// `.a.b`, `$x.a`, `index`: as it stands.
    Name(String),
    Open,
    /// What is behind a closing parenthesis belongs to it: `.a.b`.
    Close(String),
    Pipe,
}

/// Reads an expression.
pub(super) struct Reader {
    words: Vec<(Range<usize>, Word)>,
    next: usize,
    whole: Range<usize>,
}

impl Reader {
    pub(super) fn new(at: usize, text: &str) -> Result<Self, Wrong> {
        let mut words = Vec::new();
        let mut rest = text;
        loop {
            rest = rest.trim_start();
            let start = at + text.len() - rest.len();
            let Some(first) = rest.chars().next() else { break };
            let wrong = |message: &str| Wrong {
                at: start..start + first.len_utf8(),
                message: message.to_owned(),
                hint: "",
            };
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
            let (word, length) = match first {
                '"' => quoted(rest).ok_or_else(|| wrong("a text has no end"))?,
                '`' => {
                    let inside = rest.get(1..).unwrap_or_default();
                    let length = inside.find('`').ok_or_else(|| wrong("a text has no end"))?;
                    (
                        Word::Text(inside.get(..length).unwrap_or_default().to_owned()),
                        length + 2,
                    )
                }
                '(' => (Word::Open, 1),
                ')' => {
                    let behind = rest.get(1..).unwrap_or_default();
                    let length = behind.find(|c: char| !is_name(c)).unwrap_or(behind.len());
                    (
                        Word::Close(behind.get(..length).unwrap_or_default().to_owned()),
                        length + 1,
                    )
                }
                '|' => (Word::Pipe, 1),
                c if is_name(c) || c == '-' => {
                    let length = rest.find(|c: char| !is_name(c) && c != '-').unwrap_or(rest.len());
                    let name = rest.get(..length).unwrap_or_default();
                    match name.parse() {
                        Ok(number) if c.is_ascii_digit() || c == '-' => (Word::Number(number), length),
                        _ => (Word::Name(name.to_owned()), length),
                    }
                }
                _ => return Err(wrong("this is not known in a template")),
            };
            words.push((start..start + length, word));
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(Self {
            words,
            next: 0,
            whole: at..at + text.len(),
        })
    }

    /// Commands with `|` between them: what one gives is the last argument of the next.
    pub(super) fn pipeline(&mut self, depth: usize) -> Result<Expression, Wrong> {
        let mut value = self.command(depth)?;
        loop {
            match self.words.get(self.next).cloned() {
                Some((_, Word::Pipe)) => {
                    self.next += 1;
                    value = match self.command(depth)? {
                        Expression::Call(at, name, mut arguments) => {
                            arguments.push(value);
                            Expression::Call(at, name, arguments)
                        }
                        other => return Err(self.wrong(Some(other.at()), "a function stands behind `|`")),
                    };
                }
                Some((_, Word::Close(_))) if depth > 0 => return Ok(value),
                None if depth == 0 => return Ok(value),
                other => return Err(self.wrong(other.map(|(at, _)| at), "this does not belong here")),
            }
        }
    }

    fn command(&mut self, depth: usize) -> Result<Expression, Wrong> {
        let function = match self.words.get(self.next) {
            Some((at, Word::Name(name))) if name.starts_with(char::is_alphabetic) && !is_constant(name) => {
                (at.clone(), name.clone())
            }
            _ => return self.operand(depth),
        };
        self.next += 1;
        let mut arguments = Vec::new();
        while !matches!(self.words.get(self.next), None | Some((_, Word::Pipe | Word::Close(_)))) {
            arguments.push(self.operand(depth)?);
        }
        Ok(Expression::Call(function.0, function.1, arguments))
    }

    fn operand(&mut self, depth: usize) -> Result<Expression, Wrong> {
        let Some((at, word)) = self.words.get(self.next).cloned() else {
            return Err(self.wrong(None, "a value is missing"));
        };
        self.next += 1;
        match word {
            Word::Text(text) => Ok(Expression::Text(at, text)),
            Word::Number(number) => Ok(Expression::Number(at, number)),
            Word::Name(name) if is_constant(&name) => Ok(Expression::Flag(at, name == "true")),
            Word::Name(name) => {
                let (first, fields) = name.split_once('.').unwrap_or((name.as_str(), ""));
                let start = match first.strip_prefix('$') {
                    Some(variable) => Expression::Variable(at.clone(), variable.to_owned()),
                    None if first.is_empty() => Expression::Dot(at.clone()),
                    // A function without arguments, where a value is wanted.
                    None => return Ok(Expression::Call(at, name, Vec::new())),
                };
                Ok(with_fields(start, fields, &at))
            }
            Word::Open if depth < DEPTH_MAX => {
                let inside = self.pipeline(depth + 1)?;
                let Some((close, Word::Close(fields))) = self.words.get(self.next).cloned() else {
                    return Err(self.wrong(Some(at), "a parenthesis is not closed"));
                };
                self.next += 1;
                Ok(with_fields(
                    inside,
                    fields.trim_start_matches('.'),
                    &(at.start..close.end),
                ))
            }
            Word::Open | Word::Close(_) | Word::Pipe => Err(self.wrong(Some(at), "this does not belong here")),
        }
    }

    fn wrong(&self, at: Option<Range<usize>>, message: &str) -> Wrong {
        Wrong {
            at: at.unwrap_or_else(|| self.whole.clone()),
            message: message.to_owned(),
            hint: "write a value such as `{{.name}}`, or a function and its arguments",
        }
    }
}

fn with_fields(start: Expression, fields: &str, at: &Range<usize>) -> Expression {
    let fields = fields.split('.').filter(|name| !name.is_empty());
    fields.fold(start, |of, name| {
        Expression::Field(Box::new(of), name.to_owned(), at.clone())
    })
}

fn is_constant(name: &str) -> bool {
    matches!(name, "true" | "false")
}

/// A text in quotation marks at the beginning, and how long it is there.
fn quoted(rest: &str) -> Option<(Word, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((Word::Text(text), at + 1)),
            '\\' => match chars.next()?.1 {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                other => text.push(other),
            },
            c => text.push(c),
        }
    }
    None
}
