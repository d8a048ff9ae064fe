//! Verdicts in words.

use bootwright_core::{LocalMethod, Policy, Verdict};
use bootwright_engine::{OfferReply, Whence};

/// The word for a verdict, which programs compare.
pub(super) const fn code(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::FirstFile(_) => "first-file",
        Verdict::AskAgainByScript => "script",
        Verdict::OwnFiles => "own-files",
        Verdict::Install { .. } | Verdict::AutoArm { .. } => "install",
        Verdict::Confirm(_) => "confirm",
        Verdict::Menu(_) => "menu",
        Verdict::GiveUp => "give-up",
        Verdict::Live(_) => "live",
        Verdict::Local(_) => "local",
        Verdict::Hold(_) => "hold",
        Verdict::Silence(_) => "silence",
    }
}

/// What a verdict means for the machine.
pub(super) fn verdict(verdict: &Verdict, policy: &Policy) -> String {
    match verdict {
        Verdict::FirstFile(file) => format!("it fetches `{file}` first"),
        Verdict::AskAgainByScript => "it fetches the script that asks what to do".to_owned(),
        Verdict::OwnFiles => "it fetches the files that it knows by name".to_owned(),
        Verdict::Install { profile, attempt } => {
            let max = policy.safety.max_attempts;
            format!("it installs {profile}, attempt {attempt} of {max}")
        }
        Verdict::Confirm(profile) => format!("its console asks whether {profile} may be installed"),
        Verdict::Menu(profile) => format!("its console shows the menu {profile}"),
        Verdict::AutoArm { rule, profile } => format!("rule `{rule}` arms it, and it installs {profile}"),
        Verdict::GiveUp => "its run has no attempt left: the run fails, and it starts its own disk".to_owned(),
        Verdict::Live(profile) => format!("it boots {profile}, as every time"),
        Verdict::Local(why) => format!("it starts its own disk: {why}"),
        Verdict::Hold(why) => format!("it waits: {why}"),
        Verdict::Silence(why) => format!("nothing is answered: {why}"),
    }
}

/// What firmware is told by DHCP: the word, and what it means.
pub(super) fn offer(reply: &OfferReply) -> (&'static str, String) {
    match reply {
        OfferReply::FirstFile { file, transport, .. } => {
            let how = match transport {
                bootwright_core::Transport::Tftp => "TFTP",
                bootwright_core::Transport::Http => "HTTP",
            };
            ("first-file", format!("it fetches `{file}` by {how}"))
        }
        OfferReply::Script => ("script", "it fetches the script that asks what to do".to_owned()),
        OfferReply::OwnFiles => (
            "own-files",
            "it fetches the files that it knows by name, by TFTP".to_owned(),
        ),
        OfferReply::Silence(why) => ("silence", format!("nothing is answered: {why}")),
    }
}

/// How the disk is started.
pub(super) const fn local(method: LocalMethod) -> &'static str {
    match method {
        LocalMethod::BiosDisk => "by the boot sector of its first disk",
        LocalMethod::UefiDisk => "by the boot loader of a disk",
        LocalMethod::Exit => "by leaving it to its firmware",
        LocalMethod::NoFile => "by offering its firmware a file that is not there",
        LocalMethod::NoOffer => "by offering its firmware nothing",
    }
}

/// Why an offer is worded as it is, to be put behind the wording.
pub(super) const fn whence(whence: Whence) -> &'static str {
    match whence {
        Whence::Configured => ", as the configuration says",
        Whence::Host => ", which worked for it before",
        Whence::Make => ", which works for others of its make",
        Whence::Tried => ", which is tried since others led to nothing",
        Whence::Default => "",
    }
}
