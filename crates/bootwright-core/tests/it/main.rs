//! Stories of the pure functions, told from outside.

mod admit_cell;
mod census;
mod decide_cell;
mod decide_menu;
mod fold;
mod guard_due;
mod identity;
mod ipv6;
mod offer_cell;
mod property_w;
mod rules;
mod state_table;
mod step_story;
mod story;
mod way;
