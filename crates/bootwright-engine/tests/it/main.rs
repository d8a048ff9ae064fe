//! Stories told to the engine, and what it records and answers.

mod install_once;
mod site;
