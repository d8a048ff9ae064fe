//! The one door in: every question and every report of a machine, and every word of an operator, goes through `Engine`.
//!
//! It keeps the world in memory, identifies, decides and steps with the pure functions of the core, and says what has to
//! be recorded before which answer may leave. It does no I/O: the time and fresh tokens are arguments, the shell writes
//! the entries and sends the replies.

mod census;
mod census6;
mod command;
mod custody;
mod dialect;
mod document;
mod engine;
mod explain;
mod front;
mod hold;
mod intruder;
mod ipv6;
mod ladder;
mod lease;
mod limit;
mod look;
mod meeting;
mod newcomer;
mod offer;
mod outcome;
mod own_disk;
mod pace;
mod query;
mod record;
mod rehearsal;
mod reload;
mod report;
mod reported;
mod revision;
mod script;
mod serve;
mod tally;
mod tick;
mod transfer;
mod visit;
mod voice;

pub use census::Warning;
pub use command::{Command, Decision, Refusal};
pub use custody::{DocumentAsk, Requester};
pub use dialect::Entitled;
pub use document::DocumentReply;
pub use engine::Engine;
pub use explain::{Answer, Explanation, RuleTrace, Supposing};
pub use front::{FrontAsk, FrontReply};
pub use ipv6::{Ipv6Ask, Ipv6Reply, Ipv6Why, Told};
pub use ladder::Whence;
pub use lease::{LeaseAsk, LeaseReply};
pub use look::{LookTurn, PiLoad};
pub use offer::{OfferAsk, OfferReply, Wants};
pub use outcome::{Outcome, Woken};
pub use query::{Experience, Filter, HostPage, HostView, Overview};
pub use rehearsal::Rehearsal;
pub use reload::{Proposal, ReloadReply};
pub use report::{Report, ReportReply};
pub use reported::{Told as FactsTold, ToldReply as FactsReply};
pub use script::{HoldScreen, InstallTicket, ScriptReply, ScriptTurn};
pub use transfer::{FetchKind, Fetched, Fetching};
pub use visit::{Ignored, Stage, Visit};
pub use voice::{Speaker, Unheard};
