//! What to add: from the command's words, and from the configuration where they say nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bootwright_config::Image;
use bootwright_images::{ImageName, Limits, Request, Source};

use super::super::argument::{Common, ImageOptions};
use super::super::failure::Failure;
use super::super::table::safe;
use super::failed;
use crate::reload::Files;

/// The most bytes of an image unless somebody says otherwise, in GiB.
const MAX_SIZE: u64 = 64;

fn usage(message: String, hint: &str) -> Failure {
    Failure::Usage {
        message,
        hint: hint.to_owned(),
    }
}

pub(in super::super) fn named(name: &str) -> Result<ImageName, Failure> {
    name.parse()
        .map_err(|why| usage(format!("`{}` is {why}", safe(name)), "such as `debian-13`"))
}

pub(super) fn request(options: ImageOptions) -> Result<Request, Failure> {
    let name = named(&options.name)?;
    let source = match options.source.as_slice() {
        [] => {
            return Err(usage(
                "where is the image to come from?".to_owned(),
                "name a path, URLs, `fcos:STREAM`, `flatcar:CHANNEL` or `debian:SUITE`, or write it into the \
                 configuration's `[images]`",
            ));
        }
        [one] => one.parse::<Source>().map_err(failed)?,
        many if many.iter().all(|url| url.contains("://")) => Source::Urls(many.to_vec()),
        _ => {
            return Err(usage(
                "several sources must all be URLs".to_owned(),
                "add other sources one by one",
            ));
        }
    };
    let mut expected = None;
    for (text, digits) in [(&options.sha256, 64), (&options.sha512, 128)] {
        let Some(text) = text else { continue };
        let wrong = || {
            usage(
                format!("`{}` is no such hash", safe(text)),
                "it has 64 or 128 hexadecimal digits",
            )
        };
        expected = Some(text.parse().ok().filter(|_| text.len() == digits).ok_or_else(wrong)?);
    }
    Ok(Request {
        mirrors: options.mirror,
        keys: options.key,
        signature: options.signature,
        sums: options.sums,
        expected,
        arch: options.arch,
        keep: options.keep,
        unverified: options.unverified,
        limits: Limits {
            bytes_max: options.max_size.unwrap_or(MAX_SIZE).saturating_mul(1 << 30),
            ..Limits::default()
        },
        ..Request::new(name, source)
    })
}

/// The images that the configuration names. One that cannot be read names none: `check` is there to tell why.
pub(super) fn declared(common: &Common) -> BTreeMap<String, Image> {
    Files::new(common.config.clone())
        .load()
        .map_or_else(|_| BTreeMap::new(), |loaded| loaded.images)
}

/// What the command left open, from the configuration.
pub(super) fn complete(options: &mut ImageOptions, image: Image) {
    fn paths(places: Vec<String>) -> Vec<PathBuf> {
        places.into_iter().map(PathBuf::from).collect()
    }
    options.source = image.source;
    options.mirror.extend(image.mirrors);
    options.key.extend(paths(image.keys));
    options.signature = options.signature.take().or(image.signature);
    options.sums = options.sums.take().or(image.sums);
    if options.sha256.is_none() && options.sha512.is_none() {
        let (short, long): (Option<String>, Option<String>) = match image.hash {
            Some(hash) if hash.len() == 64 => (Some(hash), None),
            hash => (None, hash),
        };
        (options.sha256, options.sha512) = (short, long);
    }
    options.arch = options.arch.take().or(image.arch);
    options.keep |= image.keep;
    options.unverified |= image.unverified;
    options.max_size = options.max_size.or(image.max_size.map(u64::from));
}
