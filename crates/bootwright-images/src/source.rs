//! Where images come from: each place with its own layout.

pub(crate) mod debian;
pub(crate) mod fcos;
pub(crate) mod flatcar;
pub(crate) mod kiwi;
pub(crate) mod local;
pub(crate) mod url;

/// The same path at each of these places.
pub(crate) fn at(places: &[String], path: &str) -> Vec<String> {
    places
        .iter()
        .map(|place| format!("{}/{path}", place.trim_end_matches('/')))
        .collect()
}
