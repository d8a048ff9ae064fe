//! What operators tell hosts.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use bootwright_console::Operator;
use bootwright_core::{Phase, Policy, ProfileName, Stayed};
use bootwright_engine::{Command as Order, Decision, Outcome, Refusal, Woken};
use bootwright_proto::http::api::{Command, CommandReport, Problem, ProblemCode};

use super::body::{self, Body};
use super::fault::Fault;
use super::version::Demanded;
use super::{ApiState, rehearsal, version, wake};

pub(super) async fn command(
    State(state): State<ApiState>,
    Extension(operator): Extension<Operator>,
    Path(host): Path<String>,
    demanded: Demanded,
    body: Body,
) -> Result<Response, Fault> {
    let demanded = demanded.understood()?;
    let command: Command = body::document(body)?;
    if command == (Command::Wake {}) {
        return Ok(Json(wake::wake(&state, operator.name(), &host).await?).into_response());
    }
    let command = again(&state, &host, command)?;
    let arms = matches!(command, Command::Arm { .. });
    let ends = matches!(command, Command::Done {});
    let decision = decision(command, &state.core.policy(), &host)?;
    if let Decision::Arm { profiles, .. } | Decision::Queue { profiles } = &decision {
        rehearsal::demand(&state, &host, profiles)?;
    }
    let order = Order::Host {
        host: host.clone(),
        decision,
    };
    let answer = state.core.ask(|engine, now| {
        // Under the lock under which it is carried out, so that nothing comes in between.
        if let Err(stale) = demanded.met_by(&host, engine.view(&host).as_ref()) {
            return nothing(Err(Some(stale)));
        }
        let outcome = engine.command(now, operator.name(), &order);
        let changed = !outcome.entries.is_empty();
        let after = engine.view(&host);
        let version = after.as_ref().map(version::header);
        let fault = outcome.reply.as_ref().err().map(|refusal| match refusal {
            Refusal::State {
                host,
                why: Stayed::NotArmed,
            } if ends => Fault::no_run(host),
            refusal => Fault::refused(engine, &host, refusal),
        });
        outcome.map(|reply| {
            let report = reply.map(|note| {
                let mut notes = vec![note];
                if arms && changed {
                    let waits = after.as_ref().is_some_and(|after| after.visit.held.is_some());
                    notes.push(next_step(waits).to_owned());
                }
                let report = CommandReport {
                    host: after
                        .as_ref()
                        .map_or_else(|| host.clone(), |after| after.name.to_string()),
                    changed,
                    state: after
                        .map_or("forgotten", |after| after.host.state.phase.name())
                        .to_owned(),
                    notes,
                };
                (version, report)
            });
            report.map_err(|_| fault)
        })
    });
    match answer.settled().await? {
        Ok((Some(version), report)) => Ok((version, Json(report)).into_response()),
        Ok((None, report)) => Ok(Json(report).into_response()),
        Err(fault) => Err(fault.unwrap_or_else(|| Fault::internal("the command was refused without a reason"))),
    }
}

/// An outcome that changes nothing.
fn nothing<R>(reply: R) -> Outcome<R> {
    Outcome {
        reply,
        entries: Vec::new(),
        leases: Vec::new(),
        revisions: Vec::new(),
        promises: false,
        woken: Woken::None,
    }
}

const fn next_step(waits: bool) -> &'static str {
    if waits {
        "it is waiting, and asks again at once"
    } else {
        "the install begins when it next boots from the network"
    }
}

/// What an order to reinstall comes to: an arming with what the host had, if whoever asks has shown to mean this host.
fn again(state: &ApiState, host: &str, command: Command) -> Result<Command, Fault> {
    let Command::Reinstall { confirm, allow_wipe } = command else {
        return Ok(command);
    };
    let view = state
        .core
        .read(|engine, _| engine.view(host).ok_or_else(|| Fault::unknown_host(engine, host)))?;
    let (phase, name) = (&view.host.state.phase, &view.name);
    let last = phase.profile().or(view.host.runs.last().map(|run| &run.profile));
    let Some(profile) = last else {
        return Err(Problem::new(ProblemCode::Conflict)
            .detail(format!(
                "{name}: it was never installed, so there is nothing to install again"
            ))
            .hint(format!("`bootwright host arm {name} PROFILE` installs it"))
            .into());
    };
    let was_installed = matches!(phase, Phase::Installed { .. } | Phase::Live { .. })
        || view.host.runs.iter().any(|run| run.failure.is_none());
    if was_installed && confirm.as_deref() != Some(name.as_str()) {
        return Err(Problem::new(ProblemCode::Conflict)
            .detail(format!(
                "{name}: it was installed before, and this overwrites what is on it now"
            ))
            .hint(format!(
                "say that you mean it: `bootwright host reinstall {name} --confirm {name}`"
            ))
            .into());
    }
    Ok(Command::Arm {
        profiles: vec![profile.to_string()],
        allow_wipe,
    })
}

fn decision(command: Command, known: &Policy, host: &str) -> Result<Decision, Fault> {
    let name = |profile: &String| name(profile, known, host);
    let names = |profiles: &[String]| profiles.iter().map(name).collect::<Result<Vec<_>, _>>();
    Ok(match command {
        Command::Arm { profiles, allow_wipe } => Decision::Arm {
            profiles: names(&profiles)?,
            wipe: serials(allow_wipe)?.into_iter().collect(),
        },
        // Both were taken care of before.
        Command::Reinstall { .. } | Command::Wake {} => return Err(Fault::internal("this command decides nothing")),
        Command::Queue { profiles } => Decision::Queue {
            profiles: names(&profiles)?,
        },
        Command::Hold {} => Decision::Hold,
        Command::Local {} => Decision::Local,
        Command::Live { profile } => Decision::Live {
            profile: name(&profile)?,
        },
        Command::Ignore {} => Decision::Ignore,
        Command::Lock {} => Decision::Lock,
        Command::Unlock {} => Decision::Unlock,
        Command::Forget {} => Decision::Forget,
        Command::Done {} => Decision::Done,
        Command::SetLabel { key, value } => Decision::SetLabel { key, value },
        Command::SetMetadata { key, value } => Decision::SetMetadata { key, value },
    })
}

/// A text that is no name is no profile's name either.
fn name(profile: &str, known: &Policy, host: &str) -> Result<ProfileName, Fault> {
    let fault = |_| Fault::unknown_profile(host, profile, known.profiles.keys().map(ProfileName::as_str));
    profile.parse().map_err(fault)
}

/// A serial number is compared with what the installer's kernel says of a disk: printable ASCII, without the space
/// around it.
fn serials(serials: Vec<String>) -> Result<Vec<String>, Fault> {
    let fits = |serial: &String| {
        let bytes = serial.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        bytes.len() <= 128
            && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
            && ends.iter().all(|end| end.is_some_and(u8::is_ascii_graphic))
    };
    match serials.iter().find(|serial| !fits(serial)) {
        None => Ok(serials),
        Some(_) => Err(Fault::bad_request(
            "a disk's serial number has up to 128 printable ASCII characters and no space around it",
        )),
    }
}
