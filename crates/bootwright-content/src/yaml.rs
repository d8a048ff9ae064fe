//! YAML 1.2 with the place of every value: nothing is guessed, and nothing is given twice.

use std::collections::BTreeMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::tree::{DEPTH_MAX, Entry, Fault, NODES_MAX, Node, Value};

/// The documents of a text.
///
/// Unquoted scalars stay `Value::Plain`; one that says null is `Value::Null`.
pub(crate) fn read(text: &str) -> Result<Vec<Node>, Fault> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        places: places(text),
        length: text.len(),
        anchors: BTreeMap::new(),
        nodes: 0,
    };
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {
                reader.anchors.clear();
            }
            event => documents.push(reader.node(event, span, 0)?),
        }
    }
    Ok(documents)
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    /// The byte of each character, unless every character is one byte.
    places: Option<Vec<usize>>,
    length: usize,
    /// What aliases stand for, and of how many values it is made.
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
}

fn places(text: &str) -> Option<Vec<usize>> {
    (!text.is_ascii()).then(|| text.char_indices().map(|(place, _)| place).collect())
}

type Read<'a> = Result<Option<(Event<'a>, Range<usize>)>, Fault>;

impl<'a> Reader<'a> {
    fn next(&mut self) -> Read<'a> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, self.bytes(span)))),
            Some(Err(error)) => {
                let place = self.byte(error.marker().index());
                let message = format!("the text is no YAML: {}", error.info());
                Err(Fault::new(&(place..place), message))
            }
        }
    }

    fn byte(&self, index: usize) -> usize {
        let byte = match &self.places {
            None => index,
            Some(places) => places.get(index).copied().unwrap_or(self.length),
        };
        byte.min(self.length)
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start.index());
        start..self.byte(span.end.index()).max(start)
    }

    fn count(&mut self, nodes: usize, at: &Range<usize>) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX {
            return Err(Fault::new(at, format!("more than {NODES_MAX} values")).hint("use fewer aliases"));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'a>, at: Range<usize>, depth: usize) -> Result<Node, Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::new(
                &at,
                format!("values lie more than {DEPTH_MAX} deep in each other"),
            ));
        }
        let before = self.nodes;
        self.count(1, &at)?;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (Node::new(scalar(&text, style, tag.as_deref(), &at)?, at), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), &at)?;
                (self.list(at, depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), &at)?;
                (self.map(at, depth)?, anchor)
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(Fault::new(&at, "an alias stands within what it stands for"));
                };
                self.count(size, &at)?;
                return Ok(node);
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(Fault::new(&at, "a value is missing here")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    fn list(&mut self, at: Range<usize>, depth: usize) -> Result<Node, Fault> {
        let mut items = Vec::new();
        let mut end = at.end;
        loop {
            match self.next()? {
                Some((Event::SequenceEnd, _)) | None => break,
                Some((event, span)) => {
                    let item = self.node(event, span, depth + 1)?;
                    end = end.max(item.span.end);
                    items.push(item);
                }
            }
        }
        Ok(Node::new(Value::List(items), at.start..end))
    }

    fn map(&mut self, at: Range<usize>, depth: usize) -> Result<Node, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: BTreeMap<String, Range<usize>> = BTreeMap::new();
        let mut end = at.end;
        loop {
            let (event, key_at) = match self.next()? {
                Some((Event::MappingEnd, _)) | None => break,
                Some(found) => found,
            };
            let Event::Scalar(key, ..) = event else {
                return Err(Fault::new(&key_at, "a key must be plain text"));
            };
            self.count(1, &key_at)?;
            let key = key.into_owned();
            if seen.insert(key.clone(), key_at.clone()).is_some() {
                let message = format!("the key `{}` is given twice", key.escape_debug());
                return Err(Fault::new(&key_at, message).hint("write what belongs to it in one place"));
            }
            let Some((event, span)) = self.next()? else { break };
            let node = self.node(event, span, depth + 1)?;
            end = end.max(node.span.end);
            entries.push(Entry { key, at: key_at, node });
        }
        Ok(Node::new(Value::Map(entries), at.start..end))
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, at: &Range<usize>) -> Result<Value, Fault> {
    if let Some(tag) = tag {
        if tag.is_yaml_core_schema() && tag.suffix == "str" {
            return Ok(Value::Text(text.to_owned()));
        }
        return refuse_tag(Some(tag), at).map(|()| Value::Null);
    }
    Ok(match (style, text) {
        (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
        (ScalarStyle::Plain, text) => Value::Plain(text.to_owned()),
        (_, text) => Value::Text(text.to_owned()),
    })
}

fn refuse_tag(tag: Option<&Tag>, at: &Range<usize>) -> Result<(), Fault> {
    match tag {
        None => Ok(()),
        Some(tag) => Err(Fault::new(at, format!("the tag `{tag}` means nothing here")).hint("leave it out")),
    }
}
