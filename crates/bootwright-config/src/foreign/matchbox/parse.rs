//! Go's text templates as a tree: text, actions, and what stands between `if` and `end`.

use std::ops::Range;

use super::template::Wrong;

/// Deeper than any template.
const DEPTH_MAX: usize = 40;

/// A piece of a template.
#[derive(Debug)]
pub(super) enum Piece {
    Text(String),
    Print(Expression),
    Set(String, Expression),
    /// Each condition with what follows if it is the first that is true, and what follows if none is.
    If(Vec<(Expression, Vec<Piece>)>, Vec<Piece>),
    With(Expression, Vec<Piece>, Vec<Piece>),
    Range {
        names: Vec<String>,
        over: Expression,
        pieces: Vec<Piece>,
        otherwise: Vec<Piece>,
    },
}

/// What has a value, and where it stands.
#[derive(Debug)]
pub(super) enum Expression {
    Dot(Range<usize>),
    Text(Range<usize>, String),
    Number(Range<usize>, f64),
    Flag(Range<usize>, bool),
    /// `$name`, and `$` under an empty name.
    Variable(Range<usize>, String),
    Field(Box<Expression>, String, Range<usize>),
    Call(Range<usize>, String, Vec<Expression>),
}

impl Expression {
    pub(super) fn at(&self) -> Range<usize> {
        match self {
            Self::Dot(at)
            | Self::Text(at, _)
            | Self::Number(at, _)
            | Self::Flag(at, _)
            | Self::Variable(at, _)
            | Self::Field(_, _, at)
            | Self::Call(at, ..) => at.clone(),
        }
    }
}

/// Text, or what stands between `{{` and `}}`, and where that begins.
enum Token<'a> {
    Text(&'a str),
    Action(usize, &'a str),
}

/// The tree of a whole template.
pub(super) fn parse(text: &str) -> Result<Vec<Piece>, Wrong> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        end: text.len(),
    };
    let (pieces, stop) = parser.pieces(0)?;
    match stop {
        None => Ok(pieces),
        Some((at, word)) => Err(Wrong {
            at: at..at + word.len(),
            message: format!("there is nothing that this `{word}` belongs to"),
            hint: "take it out, or write `if`, `range` or `with` before it",
        }),
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, Wrong> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut trims = false;
    while let Some(begin) = text.get(at..).and_then(|rest| rest.find("{{")).map(|found| at + found) {
        let inside = begin + 2;
        let comment = text
            .get(inside..)
            .map(|rest| rest.trim_start_matches("- ").trim_start());
        let is_comment = comment.is_some_and(|rest| rest.starts_with("/*"));
        let Some(end) = action_end(text, inside, is_comment) else {
            return Err(Wrong {
                at: begin..inside,
                message: "there is no `}}` for it".to_owned(),
                hint: "write `{{\"{{\"}}` for two braces that stand for themselves",
            });
        };
        let before = text.get(at..begin).unwrap_or_default();
        let mut action = text.get(inside..end).unwrap_or_default();
        let mut start = inside;
        let trims_before = action.starts_with("- ") || action.starts_with("-\n");
        if trims_before {
            (action, start) = (action.get(1..).unwrap_or_default(), start + 1);
        }
        let trims_after = action.ends_with(" -") || action.ends_with("\n-");
        if trims_after {
            action = action.get(..action.len() - 1).unwrap_or_default();
        }
        let before = if trims { before.trim_start() } else { before };
        let before = if trims_before { before.trim_end() } else { before };
        tokens.push(Token::Text(before));
        if !is_comment {
            tokens.push(Token::Action(start, action));
        }
        (at, trims) = (end + 2, trims_after);
    }
    let rest = text.get(at..).unwrap_or_default();
    tokens.push(Token::Text(if trims { rest.trim_start() } else { rest }));
    Ok(tokens)
}

/// Where an action's `}}` begins, which may stand in a text within it before.
fn action_end(text: &str, from: usize, is_comment: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut quote: Option<u8> = None;
    if is_comment {
        at += text.get(from..)?.find("*/")?;
    }
    while at < bytes.len() {
        let byte = *bytes.get(at)?;
        match quote {
            None if byte == b'}' && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            None if matches!(byte, b'"' | b'`') => quote = Some(byte),
            Some(b'"') if byte == b'\\' => at += 1,
            Some(open) if byte == open => quote = None,
            None | Some(_) => {}
        }
        at += 1;
    }
    None
}

/// Where a word that ends a block stands, and the word with what follows it.
type Stop<'a> = Option<(usize, &'a str)>;

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    end: usize,
}

impl<'a> Parser<'a> {
    /// The pieces up to an `else` or an `end`.
    fn pieces(&mut self, depth: usize) -> Result<(Vec<Piece>, Stop<'a>), Wrong> {
        let mut pieces = Vec::new();
        while let Some(token) = self.tokens.get(self.next) {
            self.next += 1;
            let (at, action) = match token {
                Token::Text(text) => {
                    if !text.is_empty() {
                        pieces.push(Piece::Text((*text).to_owned()));
                    }
                    continue;
                }
                Token::Action(at, action) => (*at + leading(action), action.trim()),
            };
            let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((action, ""));
            let rest_at = at + action.len() - rest.len();
            if depth > DEPTH_MAX {
                return Err(self.fault(at, word, "blocks are nested too deep"));
            }
            match word {
                "end" | "else" => return Ok((pieces, Some((at, action)))),
                "if" => pieces.push(self.conditions(rest_at, rest, depth)?),
                "with" => {
                    let value = expression(rest_at, rest)?;
                    let (inside, otherwise) = self.two_parts(depth)?;
                    pieces.push(Piece::With(value, inside, otherwise));
                }
                "range" => {
                    let (names, over_at, over) = match rest.split_once(":=") {
                        Some((names, over)) => {
                            let names = names
                                .split(',')
                                .map(|name| name.trim().trim_start_matches('$').to_owned());
                            (names.collect(), rest_at + rest.len() - over.len(), over)
                        }
                        None => (Vec::new(), rest_at, rest),
                    };
                    let over = expression(over_at, over)?;
                    let (inside, otherwise) = self.two_parts(depth)?;
                    pieces.push(Piece::Range {
                        names,
                        over,
                        pieces: inside,
                        otherwise,
                    });
                }
                "template" | "define" | "block" | "break" | "continue" => {
                    return Err(self.fault(at, word, "this is not known here"));
                }
                _ => match action.split_once('=').filter(|_| action.starts_with('$')) {
                    Some((name, value)) if !value.starts_with('=') => {
                        let name = name
                            .trim()
                            .trim_end_matches(':')
                            .trim()
                            .trim_start_matches('$')
                            .to_owned();
                        pieces.push(Piece::Set(name, expression(at + action.len() - value.len(), value)?));
                    }
                    _ => pieces.push(Piece::Print(expression(at, action)?)),
                },
            }
        }
        Ok((pieces, None))
    }

    fn conditions(&mut self, at: usize, condition: &str, depth: usize) -> Result<Piece, Wrong> {
        let mut arms = Vec::new();
        let mut condition = expression(at, condition)?;
        loop {
            let (pieces, stop) = self.pieces(depth + 1)?;
            arms.push((condition, pieces));
            let Some((at, stop)) = stop else {
                return Err(self.open());
            };
            let Some(after) = stop.strip_prefix("else") else {
                return Ok(Piece::If(arms, Vec::new()));
            };
            match after.trim_start().strip_prefix("if ") {
                Some(next) => condition = expression(at + stop.len() - next.len(), next)?,
                None => {
                    let (otherwise, stop) = self.pieces(depth + 1)?;
                    self.is_end(stop)?;
                    return Ok(Piece::If(arms, otherwise));
                }
            }
        }
    }

    fn two_parts(&mut self, depth: usize) -> Result<(Vec<Piece>, Vec<Piece>), Wrong> {
        let (inside, stop) = self.pieces(depth + 1)?;
        if stop.is_some_and(|(_, word)| word == "else") {
            let (otherwise, stop) = self.pieces(depth + 1)?;
            self.is_end(stop)?;
            return Ok((inside, otherwise));
        }
        self.is_end(stop)?;
        Ok((inside, Vec::new()))
    }

    fn is_end(&self, stop: Stop<'_>) -> Result<(), Wrong> {
        match stop {
            Some((_, "end")) => Ok(()),
            Some((at, word)) => Err(self.fault(at, word, "expected `{{end}}`")),
            None => Err(self.open()),
        }
    }

    fn open(&self) -> Wrong {
        self.fault(self.end, "", "an `if`, `range` or `with` has no `{{end}}`")
    }

    fn fault(&self, at: usize, word: &str, message: &str) -> Wrong {
        Wrong {
            at: at..(at + word.len()).min(self.end),
            message: message.to_owned(),
            hint: "known are values, `if`, `else`, `range`, `with` and `end`",
        }
    }
}

fn leading(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// A pipeline.
fn expression(at: usize, text: &str) -> Result<Expression, Wrong> {
    let mut reader = super::word::Reader::new(at, text)?;
    reader.pipeline(0)
}
