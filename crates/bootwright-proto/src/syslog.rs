//! Log messages as installers send them: RFC 3164 as it is spoken in the wild, and RFC 5424.
//!
//! Reading is total: whatever arrives is a message, and what it does not say about itself is left open. What comes out is one
//! line that steers nothing: no control characters, no escape sequences, no marks that turn the direction of writing.

/// The longest text that is kept of a message, in bytes.
const TEXT_BYTES_MAX: usize = 2048;

/// The longest name of a program that is kept, in bytes.
const NAME_BYTES_MAX: usize = 48;

/// The severity of a message that does not name its own (RFC 3164 section 4.3.3: notice).
const USUAL: u8 = 5;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// From 0, an emergency, to 7, for debugging.
    pub severity: u8,
    /// The program that says it.
    pub program: Option<String>,
    /// What it says, one line.
    pub text: String,
}

impl Message {
    /// Reads a datagram. Nothing if it says nothing.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let (severity, rest) = priority(text.trim_end_matches(['\0', '\n', '\r']));
        let (program, said) = match rest.strip_prefix("1 ").and_then(versioned) {
            Some(found) => found,
            None => plain_message(rest),
        };
        let said = json_message(said).unwrap_or_else(|| said.to_owned());
        let text = bounded(&plain(said.trim_start_matches('\u{feff}')), TEXT_BYTES_MAX);
        let text = text.trim().to_owned();
        let program = program.map(|name| bounded(&plain(name), NAME_BYTES_MAX));
        (!text.is_empty()).then_some(Self {
            severity,
            program: program.filter(|name| !name.trim().is_empty()),
            text,
        })
    }

    /// The line as it stands in a log: the program, and what it says.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.program {
            Some(program) => format!("{program}: {}", self.text),
            None => self.text.clone(),
        }
    }

    /// Whether something does not work: an error, or worse.
    #[must_use]
    pub const fn is_severe(&self) -> bool {
        self.severity <= 3
    }
}

/// `<PRI>`, and what is behind it.
fn priority(text: &str) -> (u8, &str) {
    let read = text.strip_prefix('<').and_then(|rest| {
        let (digits, rest) = rest.split_once('>')?;
        let number: u16 = digits.parse().ok().filter(|_| digits.len() <= 3)?;
        let severity = u8::try_from(number % 8).ok()?;
        (number <= 191).then_some((severity, rest))
    });
    read.unwrap_or((USUAL, text))
}

/// RFC 5424 behind its version: time, host, program, process, kind, data, message.
fn versioned(text: &str) -> Option<(Option<&str>, &str)> {
    let mut fields = text.splitn(6, ' ');
    let (_time, _host) = (fields.next()?, fields.next()?);
    let program = fields.next().filter(|name| *name != "-");
    let (_process, _kind) = (fields.next()?, fields.next()?);
    let rest = fields.next().unwrap_or_default();
    Some((program, behind_data(rest)?))
}

/// What is behind the structured data: `-`, or elements in brackets with quoted values.
fn behind_data(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some(rest.strip_prefix(' ').unwrap_or(rest));
    }
    let (mut quoted, mut escaped, mut open) = (false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if open => quoted = !quoted,
            '[' if !quoted => open = true,
            ']' if !quoted => open = false,
            ' ' if !open => return text.get(at.saturating_add(1)..),
            _ if !open => return None,
            _ => {}
        }
    }
    (!open && !text.is_empty()).then_some("")
}

/// RFC 3164: a time, mostly a host, a program with a colon. BusyBox, as Debian's installer has it, leaves the host out.
fn plain_message(text: &str) -> (Option<&str>, &str) {
    let rest = behind_time(text).unwrap_or(text);
    if let Some(found) = tag(rest) {
        return found;
    }
    // A host, and then the program.
    let behind_host = rest.split_once(' ').and_then(|(_, rest)| tag(rest));
    match behind_host {
        Some(found) if behind_time(text).is_some() => found,
        _ => (None, rest),
    }
}

/// What is behind `Nov 21 04:00:00 `.
fn behind_time(text: &str) -> Option<&str> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let head = text.get(..16)?;
    let clock = head.get(7..15)?;
    let is_clock = clock.bytes().enumerate().all(|(at, byte)| match at {
        2 | 5 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let fits = MONTHS.contains(&head.get(..3)?) && is_clock && head.ends_with(' ');
    if fits { text.get(16..) } else { None }
}

/// `program[7]: text` or `program: text`.
fn tag(text: &str) -> Option<(Option<&str>, &str)> {
    let (name, rest) = text.split_once(':')?;
    let bare = name.split('[').next().unwrap_or(name);
    let is_name = !bare.is_empty()
        && bare.len() <= NAME_BYTES_MAX
        && bare.chars().all(|c| c.is_ascii_alphanumeric() || "-_./()".contains(c));
    is_name.then(|| (Some(bare), rest.strip_prefix(' ').unwrap_or(rest)))
}

/// The message within a JSON object, as Talos sends its kernel's log.
fn json_message(text: &str) -> Option<String> {
    let text = text.trim();
    if !text.starts_with('{') {
        return None;
    }
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let said = members.get("msg").or_else(|| members.get("message"))?.as_str()?;
    Some(said.to_owned())
}

fn bounded(text: &str, bytes: usize) -> String {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text).to_owned()
}

/// Whether a character steers what shows it, or is there and not seen.
#[must_use]
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A line without what steers a terminal: escape sequences are left out whole, tabs are spaces, and the rest of what is not seen
/// is left out too.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\t' | '\n' | '\r' => kept.push(' '),
            '\u{1b}' => match rest.next_if(|next| matches!(next, '[' | ']' | 'P' | 'X' | '^' | '_')) {
                // A sequence for the terminal: parameters, then one letter.
                Some('[') => skip_control(&mut rest),
                // A string for it, up to its end mark.
                Some(_) => skip_string(&mut rest),
                None => {}
            },
            '\u{9b}' => skip_control(&mut rest),
            _ if steers(c) => {}
            _ => kept.push(c),
        }
    }
    kept
}

fn skip_control(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while rest.next_if(|c| matches!(c, '\u{20}'..='\u{3f}')).is_some() {}
    let _ = rest.next_if(|c| matches!(c, '\u{40}'..='\u{7e}'));
}

fn skip_string(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    for c in rest.by_ref() {
        if matches!(c, '\u{7}' | '\u{9c}' | '\u{1b}' | '\n') {
            break;
        }
    }
    let _ = rest.next_if(|c| *c == '\\');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(u8, Option<String>, String)> {
        Message::read(text.as_bytes()).map(|message| (message.severity, message.program, message.text))
    }

    #[test]
    fn messages_of_installers_are_taken_apart() {
        for (sent, severity, program, text) in [
            // Debian's installer: BusyBox without a host.
            (
                "<46>Nov 21 04:00:01 main-menu[330]: INFO: Menu item 'partman-base' selected",
                6,
                "main-menu",
                "INFO: Menu item 'partman-base' selected",
            ),
            (
                "<14>Nov  1 04:00:01 kernel: [    1.2] sda: sda1",
                6,
                "kernel",
                "[    1.2] sda: sda1",
            ),
            // rsyslog and Anaconda: with a host.
            (
                "<13>Nov 21 04:00:01 host anaconda: starting\n",
                5,
                "anaconda",
                "starting",
            ),
            (
                "<11>Nov 21 04:00:01 10.0.0.57 program[12]: no space left",
                3,
                "program",
                "no space left",
            ),
            // util-linux' logger --rfc5424.
            (
                "<13>1 2026-11-21T04:00:00.000000+00:00 box root 77 - [timeQuality tzKnown=\"1\" a=\"x ] \\\" y\"] hello there",
                5,
                "root",
                "hello there",
            ),
            ("<0>1 - - - - - - \u{feff}down", 0, "", "down"),
            ("no form at all", 5, "", "no form at all"),
            ("<999>odd", 5, "", "<999>odd"),
            (
                "<6>{\"msg\":\"phase ready (3/4)\",\"seq\":9,\"talos-level\":\"info\"}",
                6,
                "",
                "phase ready (3/4)",
            ),
        ] {
            let expected = (
                severity,
                Some(program.to_owned()).filter(|name| !name.is_empty()),
                text.to_owned(),
            );
            assert_eq!(read(sent), Some(expected), "{sent}");
        }
        for nothing in ["", "<13>", "<13>\n", "\0\0", "<13>1 - - - - - -", "\u{1b}[2J"] {
            assert_eq!(read(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn what_steers_a_terminal_is_gone() {
        assert_eq!(
            plain("a\u{1b}[31;1mred\u{1b}[0m\u{1b}]0;title\u{7}b\tc\u{202e}d\u{9b}2Je\u{1b}P x\u{1b}\\f"),
            "aredb cdef"
        );
    }

    #[test]
    fn any_bytes_are_read_and_what_comes_out_is_one_bounded_line() {
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        };
        let seeds: [&[u8]; 4] = [
            b"<13>1 2026-11-21T04:00:00Z h a 1 - [x y=\"z\"] text",
            b"<46>Nov 21 04:00:01 main-menu[330]: text \x1b[2J",
            b"{\"msg\":\"\\u001b[2J\"}",
            b"",
        ];
        for round in 0..20_000_usize {
            let mut bytes = seeds.get(round % 4).copied().unwrap_or_default().to_vec();
            for _ in 0..=usize::from(next() % 8) {
                let at = usize::from(next()) % (bytes.len() + 1);
                bytes.insert(at, next());
            }
            if round % 16 == 0 {
                bytes.extend(std::iter::repeat_n(next(), 5000));
            }
            if let Some(message) = Message::read(&bytes) {
                let line = message.line();
                assert!(message.severity < 8 && line.len() <= TEXT_BYTES_MAX + NAME_BYTES_MAX + 2);
                assert!(!line.chars().any(steers), "{line:?}");
            }
        }
    }
}
