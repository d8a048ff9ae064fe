//! Who asks.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bootwright_proto::http::api::{Problem, ProblemCode};

use super::fault::Fault;

/// The longest name that is taken down.
const NAME_BYTES_MAX: usize = 32;

/// The person in whose name a request is made, as the record keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator(String);

impl Operator {
    /// The user of this box with this number: by name if `/etc/passwd` has one.
    #[must_use]
    pub fn of_user(uid: u32) -> Self {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self(user_name(&passwd, uid).unwrap_or_else(|| format!("uid-{uid}")))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The name of a user in the text of a passwd(5) file, if it is one that may stand in a record.
fn user_name(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '$' | '\\');
        let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(plain);
        (fits && number.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// Lets only requests through of which is known who makes them.
pub(super) async fn demand(request: Request, next: Next) -> Response {
    if request.extensions().get::<Operator>().is_some() {
        next.run(request).await
    } else {
        Fault::from(Problem::new(ProblemCode::Unauthorized)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\nodd name:x:7:7::/:\nanna:x:1000:1000:Anna:/home/anna:/bin/sh\n";

    #[test]
    fn users_are_called_by_their_names() {
        assert_eq!(user_name(PASSWD, 0).as_deref(), Some("root"));
        assert_eq!(user_name(PASSWD, 1000).as_deref(), Some("anna"));
    }

    #[test]
    fn names_that_would_confuse_a_record_are_numbers() {
        assert_eq!(user_name(PASSWD, 7), None);
        assert_eq!(user_name(PASSWD, 8), None);
        assert_eq!(user_name("", 0), None);
        assert!(Operator::of_user(u32::MAX - 7).name().starts_with("uid-"));
    }
}
