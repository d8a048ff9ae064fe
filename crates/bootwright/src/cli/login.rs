//! `bootwright user`, `bootwright token`, `bootwright whoami`: who may log in.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use bootwright_proto::http::api::{
    MadeToken, NewToken, NewUser, Role, TokenList, TokenView, UserChange, UserList, WhoAmI,
};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

use super::Exit;
use super::age::Now;
use super::argument::{TokenVerb, UserVerb};
use super::client::{Client, escape};
use super::failure::{Failure, plain};
use super::print::Printer;
use super::table::{Table, or_dash};

pub(super) async fn whoami(client: &Client, printer: Printer) -> Result<Exit, Failure> {
    let reply = client.get::<WhoAmI>("whoami").await?;
    printer.reply(&reply, |who| format!("{}, {}\n", who.name, who.role.name()))?;
    Ok(Exit::Good)
}

pub(super) async fn user(client: &Client, printer: Printer, verb: UserVerb) -> Result<Exit, Failure> {
    let reply = match verb {
        UserVerb::List => client.get::<UserList>("users").await?,
        UserVerb::Add {
            name,
            role,
            password_file,
        } => {
            let password = password(password_file.as_deref())?;
            let role = role_of(&role)?;
            client.post("users", &NewUser { name, role, password }).await?
        }
        UserVerb::Passwd { name, password_file } => {
            let password = Some(password(password_file.as_deref())?);
            let change = UserChange { role: None, password };
            client.post(&format!("users/{}", escape(&name)), &change).await?
        }
        UserVerb::Role { name, role } => {
            let role = Some(role_of(&role)?);
            let change = UserChange { role, password: None };
            client.post(&format!("users/{}", escape(&name)), &change).await?
        }
        UserVerb::Remove { name } => client.delete(&format!("users/{}", escape(&name))).await?,
    };
    printer.reply(&reply, |list| user_words(list, Now::read()))?;
    Ok(Exit::Good)
}

fn user_words(list: &UserList, now: Now) -> String {
    if list.users.is_empty() {
        return "nobody can log in yet; the daemon's log has a one-time code, or add an admin: `bootwright user add NAME \
                --role admin`\n"
            .to_owned();
    }
    let mut table = Table::new(&["NAME", "ROLE", "ADDED", "LOGGED IN"]);
    for user in &list.users {
        let sessions = match user.sessions {
            0 => String::new(),
            1 => "1 browser".to_owned(),
            count => format!("{count} browsers"),
        };
        table.row([
            user.name.clone(),
            user.role.name().to_owned(),
            now.relative(&user.added),
            or_dash(Some(&sessions)),
        ]);
    }
    table.text("")
}

pub(super) async fn token(client: &Client, printer: Printer, verb: TokenVerb) -> Result<Exit, Failure> {
    let reply = match verb {
        TokenVerb::List => client.get::<TokenList>("tokens").await?,
        TokenVerb::Create { name, role, expires } => {
            let (role, lasts_ms) = (role_of(&role)?, expires.as_deref().map(lasts).transpose()?);
            let reply = client
                .post::<_, MadeToken>("tokens", &NewToken { name, role, lasts_ms })
                .await?;
            // The secret alone, so that it can be led into a file.
            printer.reply(&reply, |made| format!("{}\n", made.secret))?;
            if !printer.is_json() {
                let TokenView { id, name, role, .. } = &reply.document.token;
                let role = role.name();
                eprintln!(
                    "token {id} ({name}) for {role}; it is shown this once: `bootwright token revoke {id}` ends it"
                );
            }
            return Ok(Exit::Good);
        }
        TokenVerb::Revoke { id } => client.delete(&format!("tokens/{}", escape(&id))).await?,
    };
    printer.reply(&reply, |list| token_words(list, Now::read()))?;
    Ok(Exit::Good)
}

fn token_words(list: &TokenList, now: Now) -> String {
    if list.tokens.is_empty() {
        return "there are no tokens; `bootwright token create NAME` makes one\n".to_owned();
    }
    let mut table = Table::new(&["ID", "NAME", "ROLE", "MADE", "BY", "USED", "EXPIRES"]);
    for token in &list.tokens {
        let expires = token.expires.as_ref().map(|at| now.relative(at));
        table.row([
            token.id.clone(),
            token.name.clone(),
            token.role.name().to_owned(),
            now.relative(&token.made),
            token.by.clone(),
            now.relative_or_dash(token.used.as_ref()),
            expires.unwrap_or_else(|| "never".to_owned()),
        ]);
    }
    table.text("")
}

fn role_of(name: &str) -> Result<Role, Failure> {
    let found = Role::ALL.into_iter().find(|role| role.name() == name);
    found.ok_or_else(|| Failure::Usage {
        message: format!("`{name}` is no role"),
        hint: "there are `viewer`, `operator` and `admin`".to_owned(),
    })
}

/// A span of time such as `90d` or `12h`, in milliseconds.
fn lasts(text: &str) -> Result<u64, Failure> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        "w" => Some(7 * 86_400_000),
        _ => None,
    };
    let number: Option<u64> = digits.parse().ok().filter(|number| *number > 0);
    let lasts = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    lasts.ok_or_else(|| Failure::Usage {
        message: format!("`{text}` is no span of time"),
        hint: "write a number and its unit (`s`, `m`, `h`, `d` or `w`), as in `90d`".to_owned(),
    })
}

/// A password: from a file, from a terminal without showing it, or else the first line of what is sent.
fn password(file: Option<&Path>) -> Result<String, Failure> {
    let typed = match file {
        Some(path) => std::fs::read_to_string(path).map_err(|cause| Failure::File {
            message: format!("cannot read `{}`: {}", path.display(), plain(&cause)),
            hint: "name the file that holds the password with `--password-file`".to_owned(),
        })?,
        None if io::stdin().is_terminal() => {
            let first = hidden("password: ")?;
            if hidden("the same again: ")? != first {
                return Err(Failure::Usage {
                    message: "the two passwords are not the same".to_owned(),
                    hint: "nothing was done; try again".to_owned(),
                });
            }
            first
        }
        None => line()?,
    };
    let password = typed.lines().next().unwrap_or_default().to_owned();
    if password.is_empty() {
        return Err(Failure::Usage {
            message: "there is no password".to_owned(),
            hint: "type it when asked, send it on the standard input, or name its file with `--password-file`"
                .to_owned(),
        });
    }
    Ok(password)
}

fn hidden(prompt: &str) -> Result<String, Failure> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin).map_err(|error| Failure::Output(error.into()))?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    eprint!("{prompt}");
    let _ = io::stderr().flush();
    tcsetattr(&stdin, SetArg::TCSAFLUSH, &silent).map_err(|error| Failure::Output(error.into()))?;
    let typed = line();
    // Nothing more can be done about a terminal that is gone.
    let _ = tcsetattr(&stdin, SetArg::TCSAFLUSH, &before);
    eprintln!();
    typed
}

fn line() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin().lock().read_line(&mut text).map_err(|cause| Failure::File {
        message: format!("cannot read the password: {}", plain(&cause)),
        hint: "send it on the standard input as text".to_owned(),
    })?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        let read = |text: &str| lasts(text).ok();
        assert_eq!(read("90d"), Some(90 * 86_400_000));
        assert_eq!(read("1s"), Some(1000));
        for bad in [
            "",
            "d",
            "0d",
            "90",
            "-1d",
            "1.5d",
            "90 d",
            "1y",
            "99999999999999999999d",
            "9999999999999999w",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
