//! Who asks.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bootwright_console::Operator;
use bootwright_proto::http::api::{Problem, ProblemCode, Role};

use super::fault::Fault;

/// The longest name that is taken down.
const NAME_BYTES_MAX: usize = 32;

/// The user of this box with this number: by name if `/etc/passwd` has one. Whom the control socket's mode lets in may do
/// everything.
pub(super) fn of_user(uid: u32) -> Operator {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = user_name(&passwd, uid).unwrap_or_else(|| format!("uid-{uid}"));
    Operator::new(name, Role::Admin)
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

/// Lets only requests through of which is known who makes them, and that they may.
pub(super) async fn demand(State(needed): State<Role>, request: Request, next: Next) -> Response {
    let Some(operator) = request.extensions().get::<Operator>() else {
        return Fault::from(Problem::new(ProblemCode::Unauthorized)).into_response();
    };
    if operator.role().covers(needed) {
        return next.run(request).await;
    }
    let problem = Problem::new(ProblemCode::Forbidden)
        .detail(format!(
            "{} is a {}, and this takes an {}",
            operator.name(),
            operator.role().name(),
            needed.name()
        ))
        .hint("ask somebody who has that role");
    Fault::from(problem).into_response()
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
        assert!(of_user(u32::MAX - 7).name().starts_with("uid-"));
    }
}
