//! Stories told to the engine, and what it records and answers.

mod custody;
mod fault;
mod front;
mod identity;
mod install_once;
mod ipv6;
mod ladder;
mod lease;
mod local_boot;
mod naming;
mod offer;
mod pi;
mod property_w;
mod revision;
mod run;
mod safety;
mod safety_rule;
mod site;
mod stall;
mod storage;
mod trial;
