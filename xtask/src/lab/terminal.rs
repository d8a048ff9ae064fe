//! What a terminal would show, as plain lines: firmware paints with escape sequences.

/// Turns the bytes of a serial port into lines.
#[derive(Default)]
pub(super) struct Lines {
    line: String,
    escape: Escape,
}

#[derive(Default, PartialEq)]
enum Escape {
    #[default]
    None,
    Started,
    /// Inside `ESC [ … letter`.
    Sequence,
}

/// A line longer than this is broken: a machine that sends no line ends must not fill our memory.
const LINE_MAX: usize = 4096;

impl Lines {
    /// Takes more bytes and gives the lines that they complete. Empty lines are left out.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for &byte in bytes {
            match (&self.escape, byte) {
                (_, 0x1b) => self.escape = Escape::Started,
                (Escape::Started, b'[') => self.escape = Escape::Sequence,
                (Escape::Started, _) => self.escape = Escape::None,
                (Escape::Sequence, 0x40..=0x7e) => {
                    self.escape = Escape::None;
                    // The cursor goes elsewhere: what follows is another line.
                    if matches!(byte, b'H' | b'f' | b'J') {
                        self.end(&mut complete);
                    }
                }
                (Escape::Sequence, _) => {}
                (Escape::None, b'\r' | b'\n') => self.end(&mut complete),
                (Escape::None, 0x20..=0x7e) => self.line.push(char::from(byte)),
                (Escape::None, b'\t') => self.line.push(' '),
                (Escape::None, _) => {}
            }
            if self.line.len() >= LINE_MAX {
                self.end(&mut complete);
            }
        }
        complete
    }

    fn end(&mut self, complete: &mut Vec<String>) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_end();
        if !line.is_empty() {
            complete.push(line.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn colours_and_cursor_movements_are_no_text() {
        let mut lines = Lines::default();
        assert_eq!(
            lines.push(b"\x1b[2J\x1b[01;01Hboot\x1b[0;37mwright\r\n\r\nnext"),
            ["bootwright"]
        );
        assert_eq!(lines.push(b" line\n"), ["next line"]);
    }
}
