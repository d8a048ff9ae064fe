//! Requests that come again: with an `Idempotency-Key`, whoever repeats one gets the first answer, and nothing is done twice.
//!
//! The answers are kept in memory, for each operator apart, and not for ever. A restart forgets them: where a command must not
//! be carried out twice whatever happens, `If-Match` says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bootwright_console::Operator;
use bootwright_proto::http::api::{Problem, ProblemCode};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::BODY_BYTES_MAX;
use super::fault::Fault;

/// The header.
const KEY: &str = "idempotency-key";

/// The longest key.
const KEY_BYTES_MAX: usize = 255;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The most answers that are kept for one operator, and for all together.
const ANSWERS_EACH_MAX: usize = 256;
const ANSWERS_MAX: usize = 4096;

/// The longest answer that is kept. One that is longer is made anew.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// The most bytes that are kept of all answers together.
const BYTES_MAX: usize = 32 << 20;

/// The answers that are kept.
#[derive(Clone, Default)]
pub(super) struct Repeats(Arc<Mutex<BTreeMap<Name, Kept>>>);

/// An operator, and the key of a request of theirs.
type Name = (String, String);

/// What a request was, byte for byte.
type Print = [u8; 32];

/// A request that was made.
struct Kept {
    print: Print,
    since: Instant,
    /// Empty as long as it is being carried out, and after a failure of ours: then it may be tried again.
    answer: Arc<OnceCell<Answer>>,
}

/// What was answered.
#[derive(Clone)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Repeats {
    /// The place of a request among those that were made.
    fn place(&self, name: Name, print: Print) -> Result<Arc<OnceCell<Answer>>, Fault> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, kept| kept.since.elapsed() < KEPT);
        if let Some(kept) = all.get(&name) {
            if kept.print == print {
                return Ok(Arc::clone(&kept.answer));
            }
            return Err(Problem::new(ProblemCode::KeyReused)
                .detail("this `Idempotency-Key` came with another request before")
                .hint("give each request a key of its own, and repeat it byte for byte")
                .into());
        }
        make_room(&mut all, &name.0);
        let answer = Arc::new(OnceCell::new());
        let kept = Kept {
            print,
            since: Instant::now(),
            answer: Arc::clone(&answer),
        };
        all.insert(name, kept);
        Ok(answer)
    }
}

/// Forgets the oldest answers until there is room for one more.
fn make_room(all: &mut BTreeMap<Name, Kept>, operator: &str) {
    let bytes = |kept: &Kept| kept.answer.get().map_or(0, |answer| answer.body.len());
    loop {
        let own = all.keys().filter(|(by, _)| by == operator).count();
        let held: usize = all.values().map(bytes).sum();
        let crowded = own >= ANSWERS_EACH_MAX;
        if !crowded && all.len() < ANSWERS_MAX && held + ANSWER_BYTES_MAX <= BYTES_MAX {
            return;
        }
        let oldest = all.iter().filter(|((by, _), _)| !crowded || by == operator);
        let Some(oldest) = oldest.min_by_key(|(_, kept)| kept.since).map(|(name, _)| name.clone()) else {
            return;
        };
        all.remove(&oldest);
    }
}

/// Answers a request that came before as it was answered then.
pub(super) async fn once(State(repeats): State<Repeats>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(KEY) else {
        return next.run(request).await;
    };
    match carry_out(&repeats, key.clone(), request, next).await {
        Ok(response) => response,
        Err(fault) => fault.into_response(),
    }
}

async fn carry_out(repeats: &Repeats, key: HeaderValue, request: Request, next: Next) -> Result<Response, Fault> {
    let key = key.to_str().ok().filter(|key| {
        let plain = key.bytes().all(|byte| byte.is_ascii_graphic());
        !key.is_empty() && key.len() <= KEY_BYTES_MAX && plain
    });
    let key = key.ok_or_else(|| {
        Fault::bad_request(format!(
            "an `Idempotency-Key` has 1 to {KEY_BYTES_MAX} printable characters and no space"
        ))
    })?;
    let Some(operator) = request.extensions().get::<Operator>() else {
        return Err(Problem::new(ProblemCode::Unauthorized).into());
    };
    let name = (operator.name().to_owned(), key.to_owned());
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|_| Problem::new(ProblemCode::TooLarge).detail("a body of more than 64 KiB is not read"))?;
    let demanded = parts
        .headers
        .get(header::IF_MATCH)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let print = print(&[
        parts.method.as_str().as_bytes(),
        parts.uri.to_string().as_bytes(),
        demanded,
        &body,
    ]);
    let place = repeats.place(name, print)?;
    let repeated = place.initialized();
    let request = Request::from_parts(parts, Body::from(body));
    // On a task of its own: whoever asks may go away in the middle, and will ask for the answer when they are back.
    let work = tokio::spawn(async move {
        let made = place.get_or_try_init(|| async { Answer::keep(next.run(request).await).await });
        made.await.cloned()
    });
    match work.await {
        Ok(Ok(answer)) => Ok(answer.tell(repeated)),
        Ok(Err(not_kept)) => Ok(*not_kept),
        Err(_) => Err(Fault::internal("this request made the daemon stumble")),
    }
}

/// The digest of parts that cannot be mistaken for one another.
fn print(parts: &[&[u8]]) -> Print {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

impl Answer {
    /// Takes an answer down, unless it tells of a failure of ours or is too long: then it is handed back.
    async fn keep(response: Response) -> Result<Self, Box<Response>> {
        if response.status().is_server_error() {
            return Err(Box::new(response));
        }
        let (parts, body) = response.into_parts();
        // What we answer comes whole and from memory.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        if body.len() > ANSWER_BYTES_MAX {
            return Err(Box::new(Response::from_parts(parts, Body::from(body))));
        }
        Ok(Self {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    fn tell(self, repeated: bool) -> Response {
        let mut response = (self.status, self.headers, self.body).into_response();
        if repeated {
            let headers = response.headers_mut();
            headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(operator: &str, key: usize) -> Name {
        (operator.to_owned(), key.to_string())
    }

    #[test]
    fn the_answers_that_are_kept_have_a_bound_for_each_operator_and_for_all() {
        let repeats = Repeats::default();
        for key in 0..ANSWERS_EACH_MAX + 50 {
            repeats.place(name("anna", key), [0; 32]).unwrap();
        }
        repeats.place(name("bert", 0), [0; 32]).unwrap();
        assert_eq!(repeats.0.lock().unwrap().len(), ANSWERS_EACH_MAX + 1);
        // The oldest one went, so its key may name another request.
        assert!(repeats.place(name("anna", 0), [1; 32]).is_ok());
        assert!(repeats.place(name("anna", ANSWERS_EACH_MAX), [1; 32]).is_err());
        assert!(
            repeats.place(name("bert", 1), [1; 32]).is_ok(),
            "keys are an operator's own"
        );
        for operator in 0..30 {
            for key in 0..ANSWERS_EACH_MAX {
                repeats.place(name(&operator.to_string(), key), [0; 32]).unwrap();
            }
        }
        assert_eq!(repeats.0.lock().unwrap().len(), ANSWERS_MAX);
    }

    #[test]
    fn parts_of_a_request_are_not_mistaken_for_one_another() {
        assert_ne!(print(&[b"ab", b"c"]), print(&[b"a", b"bc"]));
        assert_ne!(print(&[b"", b"x"]), print(&[b"x", b""]));
    }
}
