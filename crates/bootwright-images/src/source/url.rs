//! Any URLs: each file with its own signature, or all by one list of hashes.

use super::at;
use crate::add::Work;
use crate::error::{Error, Result};
use crate::path::EntryPath;
use crate::sums;

pub(crate) fn add(work: &mut Work<'_>, urls: &[String]) -> Result<()> {
    let expected = work.request.expected.clone();
    if expected.is_some() && urls.len() > 1 {
        return Err(Error::new("one hash cannot be that of several files").hint("name a list of hashes with `--sums`"));
    }
    let list = match work.request.sums.clone() {
        Some(place) => Some(work.sums(&place)?),
        None => None,
    };
    for url in urls {
        let path = url.split(['?', '#']).next().unwrap_or(url);
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        // A URL whose path ends with a slash names no file.
        EntryPath::file(&name).map_err(|_| Error::new(format!("`{url}` does not end with the name of a file")))?;
        let places: Vec<String> = std::iter::once(url.clone())
            .chain(at(&work.request.mirrors, &name))
            .collect();
        if let Some(expected) = &expected {
            let fetched = work.fetcher.file(&places, Some(expected))?;
            work.proved(format!("{} as given", expected.words()));
            work.unpack_fetched(&fetched, &name)?;
        } else if let Some(list) = &list {
            let expected = sums::find(list, &name)?;
            let fetched = work.fetcher.file(&places, Some(&expected))?;
            work.unpack_fetched(&fetched, &name)?;
        } else if work.has_keys() {
            let signature = work.signature_of(&places)?;
            let fetched = work.fetcher.file(&places, None)?;
            work.verify_file(&fetched.path, &name, &signature)?;
            work.unpack_fetched(&fetched, &name)?;
        } else {
            work.demand_some_proof(&places)?;
            let fetched = work.fetcher.file(&places, None)?;
            work.unpack_fetched(&fetched, &name)?;
        }
    }
    Ok(())
}
