//! Bootwright on a box that runs a DHCP server already.

use anyhow::{Result, ensure};

use super::NEIGHBOUR;
use super::install::{follow, position};
use super::story::SOON;
use crate::lab::journal::{Mark, Source};
use crate::lab::sight::Sight;
use crate::lab::site::Site;

pub(super) fn same_box(site: &Site) -> Result<()> {
    let own = site.share_box()?;
    // Nothing in the configuration asks for it: the port was taken.
    let captures = "DHCP by packet capture";
    site.daemon
        .journal
        .wait_text(Mark::default(), Source::Bootwright, captures, SOON)?;
    let machine = site.machine(NEIGHBOUR)?;
    let sights = follow(site, &machine)?;

    let stranger = position(
        &sights,
        |sight| matches!(sight, Sight::DhcpReply { from, .. } if *from != own),
    );
    ensure!(stranger.is_none(), "somebody else answers DHCP: {stranger:?}");
    let replies = |is_ours: bool| {
        sights
            .iter()
            .filter(move |sight| {
                matches!(sight, Sight::DhcpReply { gives, file, .. }
                    if gives.is_unspecified() == is_ours && file.is_empty() != is_ours)
            })
            .count()
    };
    // For the ROM and for iPXE: each server does its part, and neither that of the other.
    let (lent, booted) = (replies(false), replies(true));
    ensure!(
        lent >= 4 && booted >= 2,
        "the box lent addresses with {lent} replies and named boot files in {booted}"
    );
    let mixed = position(
        &sights,
        |sight| matches!(sight, Sight::DhcpReply { gives, file, .. } if !gives.is_unspecified() && !file.is_empty()),
    );
    ensure!(mixed.is_none(), "a reply has an address and a boot file");
    Ok(())
}
