//! The control plane for people: who may do what, and what a browser shows.
//!
//! Nothing here decides about hosts, and nothing reads the engine. What a page shows it asks of the control API, in the
//! process and in the name of the operator who looks; what a button does is a request to the same API. So a page cannot show
//! or do what a program with the same rights could not.

pub mod access;
pub mod asset;
pub mod door;
mod operator;
pub mod page;

pub use operator::Operator;
pub use page::pages;
