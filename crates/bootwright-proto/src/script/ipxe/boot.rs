//! The scripts around a decision: who asks, asking again, and what a person must know when there is no answer.

use bootwright_core::fact::MACS_PER_HOST_MAX;

use crate::http::{Asked, BaseUrl, Poll};

use super::text::Script;

/// `/boot.ipxe`: gathers what tells this machine from others and asks for the decision.
///
/// Texts of the firmware go as hexadecimal digits: whatever they hold, they cannot change the script or the URL.
#[must_use]
pub fn boot_script(base: &BaseUrl) -> String {
    let mut script = Script::new();
    script
        .line("# Says who this machine is and asks what to do.")
        .line(format!("set base {base}"))
        .line("set wait:int32 1")
        .line(":network")
        .line("set step dhcp")
        .line("isset ${netX/ip} || dhcp || goto failed")
        .line("set facts mac=${netX/mac:hexhyp}")
        .line("set card:int32 0")
        .line(":cards")
        // A card that was taken out while iPXE runs leaves its number empty, so no number ends the walk.
        .line("isset ${net${card}/mac} && set facts ${facts}&nic=${net${card}/mac:hexhyp} ||")
        .line("inc card")
        .line(format!("iseq ${{card}} {MACS_PER_HOST_MAX} || goto cards"))
        .line("set facts ${facts}&uuid=${uuid}&platform=${platform}&buildarch=${buildarch}&ip=${netX/ip}")
        .line("set facts ${facts}&version_hex=${version:hexraw}&serial_hex=${serial:hexraw}")
        .line("set facts ${facts}&asset_hex=${asset:hexraw}&manufacturer_hex=${manufacturer:hexraw}")
        .line("set facts ${facts}&product_hex=${product:hexraw}")
        .line("set step ask")
        .line("chain --replace --autofree ${base}/ipxe?${facts} || goto failed")
        .line(":failed")
        .line("set error ${errno}")
        .line("echo")
        .line("echo Bootwright: step ${step} failed with error ${error}. Trying again in ${wait} s.")
        .line("echo Nothing on the disks has been touched.")
        .line("sleep ${wait}")
        .line("iseq ${wait} 32 || inc wait ${wait}")
        .line("iseq ${step} dhcp && goto network ||")
        .line("imgfetch --name report ${base}/failed?${facts}&step=${step}&error=${error} ||")
        .line("imgfree report ||")
        .line("goto network");
    script.finish()
}

/// `/autoexec.ipxe`, which iPXE for UEFI runs before it has an address: gets one and goes on with `/boot.ipxe`.
///
/// It gives up after some tries, so that the firmware goes on to its next boot entry as it would without us.
#[must_use]
pub fn autoexec_script(base: &BaseUrl) -> String {
    let mut script = Script::new();
    script
        .line("set wait:int32 1")
        .line(":network")
        .line("isset ${netX/ip} || dhcp || goto failed")
        .line(format!(
            "chain --replace --autofree {} || goto failed",
            base.join("/boot.ipxe")
        ))
        .line(":failed")
        .line("iseq ${wait} 32 && exit 1 ||")
        .line("sleep ${wait}")
        .line("inc wait ${wait}")
        .line("goto network");
    script.finish()
}

/// Asks for the decision at once: the answer to a long poll when something may have changed.
///
/// It tells what the console shows, so that a machine that has to wait on paints nothing anew.
#[must_use]
pub fn ask_script(base: &BaseUrl, poll: &Poll) -> String {
    let mut script = Script::new();
    let mut query = poll.asked.to_query();
    if let Some(screen) = poll.asked.screen {
        let polls = poll.polls.saturating_add(1);
        query.push_str(&format!("&screen={screen:08x}&polls={polls}"));
    }
    chain_until_answered(&mut script, base, &query);
    script.finish()
}

/// Says that nothing is to be had here and leaves iPXE with an error, so that the firmware goes on to its next entry.
#[must_use]
pub fn leave_script(why: &str) -> String {
    let mut script = Script::new();
    script
        .say(&format!("Bootwright has nothing for this machine: {why}."))
        .line("exit 1");
    script.finish()
}

/// Says why there is no answer now and asks again after a while.
#[must_use]
pub fn unavailable_script(base: &BaseUrl, asked: &Asked, why: &str) -> String {
    let mut script = Script::new();
    script
        .line("echo")
        .say(&format!("Bootwright cannot answer yet: {why}."))
        .line("echo Nothing on the disks has been touched. Asking again in 10 s.")
        .line("sleep 10");
    ask_again(&mut script, base, asked);
    script.finish()
}

/// Says something that a person at the console must know, where a bare status code would leave them guessing, and begins
/// again after a while.
#[must_use]
pub fn notice_script(base: &BaseUrl, notice: &str) -> String {
    let mut script = Script::new();
    script
        .line("echo")
        .say(&format!("Bootwright: {notice}."))
        .line("echo Nothing on the disks has been touched. Beginning again in 30 s.")
        .line("sleep 30")
        .line(":ask")
        .line(format!(
            "chain --replace --autofree {} || goto missed",
            base.join("/boot.ipxe")
        ))
        .line(":missed")
        .line("sleep 5")
        .line("goto ask");
    script.finish()
}

/// Ends a script by asking for the decision until there is an answer.
pub(super) fn ask_again(script: &mut Script, base: &BaseUrl, asked: &Asked) {
    chain_until_answered(script, base, &asked.to_query());
}

fn chain_until_answered(script: &mut Script, base: &BaseUrl, query: &str) {
    script
        .line(":ask")
        .line(format!("chain --replace --autofree {base}/ipxe?{query} || goto missed"))
        .line(":missed")
        .line("sleep 5")
        .line("goto ask");
}
