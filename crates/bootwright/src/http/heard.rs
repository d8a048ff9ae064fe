//! What machines said of themselves when they last asked what to do, for explanations that render the same again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bootwright_core::HostId;
use bootwright_engine::ScriptReply;
use bootwright_proto::http::Asked;

/// How many machines are remembered: more than are installed at once. The one remembered longest goes first.
const MACHINES_MAX: usize = 1024;

/// The last words of machines, by host.
#[derive(Debug, Default)]
pub struct Heard {
    words: Mutex<Words>,
}

#[derive(Debug, Default)]
struct Words {
    of: BTreeMap<HostId, Asked>,
    order: VecDeque<HostId>,
}

impl Heard {
    /// Remembers what a machine said, if the answer tells which host it is.
    pub(crate) fn remember(&self, reply: &ScriptReply, asked: &Asked) {
        let host = match reply {
            ScriptReply::Install(ticket) => &ticket.host.id,
            ScriptReply::Live { host, .. }
            | ScriptReply::Menu { host, .. }
            | ScriptReply::Local { host, .. }
            | ScriptReply::Confirm { host, .. } => &host.id,
            ScriptReply::Hold(screen) => match &screen.wakes {
                Some(host) => host,
                None => return,
            },
            ScriptReply::Silence(_) => return,
        };
        let mut words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.of.insert(host.clone(), asked.clone()).is_none() {
            words.order.push_back(host.clone());
        }
        while words.of.len() > MACHINES_MAX
            && let Some(oldest) = words.order.pop_front()
        {
            words.of.remove(&oldest);
        }
    }

    /// What a host's machine said last.
    #[must_use]
    pub fn of(&self, host: &HostId) -> Option<Asked> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.of.get(host).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bootwright_core::{Facts, Host, LocalMethod, LocalWhy, Timestamp};

    use super::*;

    #[test]
    fn the_machines_that_asked_last_are_remembered() {
        let heard = Heard::default();
        let name = |number: usize| -> HostId { format!("host-{number}").parse().unwrap() };
        for number in 0..MACHINES_MAX + 10 {
            let host = Arc::new(Host::new(name(number), Timestamp::from_millis(0), Facts::default()));
            let reply = ScriptReply::Local {
                host,
                method: LocalMethod::Exit,
                why: LocalWhy::Chosen,
                returns: 0,
            };
            let version = Some(number.to_string());
            heard.remember(
                &reply,
                &Asked {
                    version,
                    ..Asked::default()
                },
            );
        }
        assert_eq!(heard.of(&name(9)), None);
        let version = |number: usize| heard.of(&name(number)).and_then(|asked| asked.version);
        assert_eq!(version(10).as_deref(), Some("10"));
        assert_eq!(version(MACHINES_MAX + 9), Some((MACHINES_MAX + 9).to_string()));
    }
}
