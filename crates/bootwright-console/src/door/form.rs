//! What a form of HTML sends (`application/x-www-form-urlencoded`).

/// The fields of a form, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of a form. What is no text is left out.
    pub(super) fn read(body: &[u8]) -> Self {
        let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let fields = pairs.filter_map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next()?)?;
            Some((name, decode(halves.next().unwrap_or_default())?))
        });
        Self(fields.take(256).collect())
    }

    /// A field; one that is there twice is as good as none.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(field, _)| field == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// A field, or nothing at all.
    pub(super) fn text(&self, name: &str) -> &str {
        self.field(name).unwrap_or_default()
    }
}

fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (digit(*rest.next()?)?, digit(*rest.next()?)?);
                high << 4 | low
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A text as a part of a query.
pub(super) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        let form = Form::read(b"name=anna&password=a%26b+c%C3%A4&empty=&bare&twice=1&twice=2&bad=%G0&broken=%4");
        assert_eq!(form.text("password"), "a&b cä");
        assert_eq!((form.field("empty"), form.field("bare")), (Some(""), Some("")));
        for none in ["twice", "bad", "broken", "nobody"] {
            assert_eq!(form.field(none), None, "{none}");
        }
        assert_eq!(encode("/hosts?a=b&c"), "/hosts%3Fa%3Db%26c");
    }
}
