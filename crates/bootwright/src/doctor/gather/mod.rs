//! How the facts come about: looking, asking and trying. Nothing that is done here lasts.

mod boot;
mod client;
mod config;
mod disk;
mod firewall;
mod image;
mod network;
mod port;
mod process;
mod segment;
mod tftp;

use std::collections::BTreeSet;
use std::path::PathBuf;

use bootwright_config::{Daemon, Loaded};
use bootwright_core::DhcpMode;

use super::Setting;
use super::check::{Area, Check};
use super::facts::{Facts, Running, Site};
use crate::reload::Files;

/// Where data lies unless somebody says otherwise.
const DATA_DIR: &str = "/var/lib/bootwright";

/// Everything that these checks judge.
pub(super) fn all(setting: &Setting, running: Option<Running>, wanted: &[&Check]) -> Facts {
    let areas = areas(wanted);
    let files = Files::new(setting.config.clone());
    let read = files.load();
    let loaded = read.as_ref().ok();
    let mut facts = Facts {
        site: site(setting, loaded, running),
        ..Facts::default()
    };
    facts.config = config::gather(&files, &read);
    common(&mut facts, &areas);
    if areas.contains(&Area::Disk) {
        facts.disk.unused_images =
            loaded.map_or_else(Vec::new, |loaded| disk::unused_images(&facts.site.data_dir, loaded));
    }
    if areas.contains(&Area::Sync) {
        facts.disk.synced = disk::sync(&facts.site.data_dir);
    }
    if areas.contains(&Area::Segment) {
        facts.segment = segment::gather(&facts);
    }
    if areas.contains(&Area::Store) {
        facts.store = disk::store(&facts.site.data_dir);
    }
    if let Some(loaded) = loaded.filter(|_| areas.contains(&Area::Image)) {
        facts.image = image::gather(setting, &facts.site.data_dir, loaded);
    }
    if let Some(loaded) = loaded.filter(|_| {
        [Area::Url, Area::Program, Area::Boot]
            .iter()
            .any(|area| areas.contains(area))
    }) {
        facts.boot = boot::gather(setting, &facts, loaded, &areas);
    } else {
        facts.boot.untried = Some("the configuration cannot be used (C01)".to_owned());
    }
    facts
}

/// What the quick checks judge.
pub(super) fn fast(site: Site, wanted: &[&Check]) -> Facts {
    let areas = areas(wanted);
    let mut facts = Facts {
        site,
        ..Facts::default()
    };
    common(&mut facts, &areas);
    facts
}

fn areas(wanted: &[&Check]) -> BTreeSet<Area> {
    wanted.iter().map(|check| check.area).collect()
}

/// What costs next to nothing.
fn common(facts: &mut Facts, areas: &BTreeSet<Area>) {
    facts.network = network::gather(&facts.site.daemon);
    facts.process = process::gather(facts.site.running.as_ref());
    if areas.contains(&Area::Ports) {
        facts.ports = port::gather(&facts.site);
    }
    if areas.contains(&Area::Firewall) {
        facts.firewall = firewall::gather();
    }
    if areas.contains(&Area::Disk) {
        facts.disk = disk::gather(&facts.site.data_dir, facts.process.user);
    }
}

fn site(setting: &Setting, loaded: Option<&Loaded>, running: Option<Running>) -> Site {
    let daemon = loaded.map_or_else(Daemon::default, |loaded| loaded.daemon.clone());
    let from_config = daemon.data_dir.as_ref().map(PathBuf::from);
    Site {
        mode: loaded.map_or(DhcpMode::Proxy, |loaded| loaded.policy.dhcp),
        data_dir: setting
            .data_dir
            .clone()
            .or(from_config)
            .unwrap_or_else(|| PathBuf::from(DATA_DIR)),
        config: setting.config.clone(),
        daemon,
        running,
    }
}
