//! HTTP as the machine plane and the control plane speak it: targets and queries in, conditions and documents out.
//!
//! [`target::parse`] turns a request's method and target into a [`Request`]: which of our routes it is, and the query
//! that came with it. [`Asked`] reads who asks from that query, [`Report`] what an installer says. [`plan`] decides
//! which bytes of a file answer a request, and [`api`] holds the documents of the control plane.
//!
//! Sources: RFC 3986, 8259, 9110, 9112, 9457.

pub mod api;
mod asked;
mod base_url;
mod condition;
mod date;
mod facts;
mod media_type;
mod path;
mod percent;
pub mod proxmox;
mod query;
mod range;
mod report;
pub mod target;

pub use asked::{Asked, Poll, Trouble};
pub use base_url::{BaseUrl, NotBaseUrl};
pub use condition::{Conditions, EntityTag, Plan, Version, plan};
pub use date::{HttpDate, NotHttpDate};
pub use facts::{FACTS, facts};
pub use media_type::media_type;
pub(crate) use path::segments as path_segments;
pub use path::{PathFault, RelativePath};
pub use percent::encode;
pub use query::Query;
pub use range::{RangeAnswer, range};
pub use report::{Progress, Report, ReportKind};
pub use target::{ConsoleCode, Method, Refusal, Request, Route};
