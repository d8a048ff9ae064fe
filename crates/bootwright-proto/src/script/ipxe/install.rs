//! Starting a kernel: an installer under a run, or a live system.

use bootwright_core::{FrontEnd, HostId, ProfileName, RunNumber, Token};

use crate::http::{Asked, BaseUrl, ReportKind};

use super::boot::ask_again;
use super::text::{Fault, Script, Unscriptable, check_argument, check_name, check_url};

/// The longest command line of an x86 kernel, in bytes.
pub(in crate::script) const COMMAND_LINE_BYTES_MAX: usize = 2047;

/// What iPXE fetches and starts, rendered: absolute URLs and plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The kernel's URL.
    pub kernel: String,
    /// What goes with it, in order.
    pub initrds: Vec<Initrd>,
    /// The kernel's arguments.
    pub args: Vec<String>,
}

/// What goes with a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initrd {
    /// The name of the image, which an `initrd=` argument repeats; nothing for one made up of its place.
    pub name: Option<String>,
    /// Its URL.
    pub url: String,
    /// Where iPXE puts it in the initial ramdisk if it is a plain file, perhaps with `mode=755` behind it.
    pub target: Option<String>,
}

/// An install of a host: one attempt of a run.
#[derive(Clone, Copy, Debug)]
pub struct Install<'a> {
    /// How the machine reaches us.
    pub base: &'a BaseUrl,
    /// What the machine said of itself.
    pub asked: &'a Asked,
    /// Which host it is.
    pub host: &'a HostId,
    /// What is installed.
    pub profile: &'a ProfileName,
    /// What is fetched and started.
    pub image: &'a Image,
    /// Which run it is.
    pub run: RunNumber,
    /// The run's token.
    pub token: Token,
    /// Which attempt of the run it is.
    pub attempt: u32,
    /// How many attempts a run has.
    pub max_attempts: u32,
}

/// A host that boots the same system every time.
#[derive(Clone, Copy, Debug)]
pub struct Live<'a> {
    /// How the machine reaches us.
    pub base: &'a BaseUrl,
    /// What the machine said of itself.
    pub asked: &'a Asked,
    /// Which host it is.
    pub host: &'a HostId,
    /// What it boots.
    pub profile: &'a ProfileName,
    /// What is fetched and started.
    pub image: &'a Image,
}

/// Fetches and starts an installer.
///
/// A fetch that fails is tried again by the script itself as long as the run is live: nothing was started, so that no
/// attempt is used up. Once the installer was started it may have written, and each further start is a new decision:
/// the script asks the server, which counts.
///
/// # Errors
/// The first text of the profile that cannot stand in a script.
pub fn install_script(install: &Install<'_>) -> Result<String, Unscriptable> {
    let Install {
        base,
        asked,
        host,
        profile,
        image,
        run,
        token,
        attempt,
        max_attempts,
    } = *install;
    let mut script = Script::new();
    script.line("echo").say(&format!(
        "Bootwright: installing {profile} on {host}: run {run}, attempt {attempt} of {max_attempts}."
    ));
    let report = format!(
        "{base}/r/{}/{}?stage=ipxe&message=${{step}}&error=${{error}}",
        token.reveal(),
        ReportKind::Progress.name()
    );
    start(&mut script, asked, image, &report)?;
    script
        .line("iseq ${wait} 64 || inc wait ${wait}")
        .line(format!("imgfetch --name report {report} || goto ask"))
        .line("goto fetch");
    ask_again(&mut script, base, asked);
    Ok(script.finish())
}

/// Fetches and starts a live system. Whatever fails leads to a new decision, since nothing tells a script of a live
/// system that an operator meant something else meanwhile.
///
/// # Errors
/// The first text of the profile that cannot stand in a script.
pub fn live_script(live: &Live<'_>) -> Result<String, Unscriptable> {
    let Live {
        base,
        asked,
        host,
        profile,
        image,
    } = *live;
    let mut script = Script::new();
    script
        .line("echo")
        .say(&format!("Bootwright: {host} boots {profile}, as every time."));
    let report = format!("{base}/failed?{}&step=${{step}}&error=${{error}}", asked.to_query());
    start(&mut script, asked, image, &report)?;
    script
        .line(format!("imgfetch --name report {report} ||"))
        .line("imgfree report ||");
    ask_again(&mut script, base, asked);
    Ok(script.finish())
}

/// Fetches and starts. What follows in the script runs when a fetch has failed; if what was started came back, that is
/// reported and decided anew.
fn start(script: &mut Script, asked: &Asked, image: &Image, report: &str) -> Result<(), Unscriptable> {
    script
        .line("set wait:int32 4")
        .line(":fetch")
        .line("imgfree")
        .line("set step kernel")
        .line(format!("{} || goto failed", kernel_line(asked, image)?));
    for (place, initrd) in image.initrds.iter().enumerate() {
        check_url(&initrd.url)?;
        let name = initrd_name(place, initrd);
        check_name(&name)?;
        script.line(format!("set step {name}"));
        script.line(match &initrd.target {
            None => format!("initrd --name {name} {} || goto failed", initrd.url),
            Some(target) => {
                check_argument(target)?;
                format!("initrd --name {name} {} {target} || goto failed", initrd.url)
            }
        });
    }
    script
        .line("set step boot")
        .line("boot || goto returned")
        .line(":returned")
        .line("set error ${errno}")
        .line("echo Bootwright: what was started came back with error ${error}.")
        .line("sleep ${wait}")
        .line(format!("imgfetch --name report {report} ||"))
        .line("imgfree report ||")
        .line("goto ask")
        .line(":failed")
        .line("set error ${errno}")
        .line("echo Bootwright: step ${step} failed with error ${error}. Trying again in ${wait} s.")
        .line("echo What that means: https://ipxe.org/${error}")
        .line("echo Nothing was started, nothing on the disks has been touched by this attempt.")
        .line("sleep ${wait}");
    Ok(())
}

/// `kernel URL initrd=main … BOOTIF=…`.
///
/// Each archive is named on the command line, without which iPXE of 2019 on UEFI hands none over; a file that iPXE puts
/// into an archive is part of the one before it. `BOOTIF` tells a Linux installer which card it booted from.
fn kernel_line(asked: &Asked, image: &Image) -> Result<String, Unscriptable> {
    check_url(&image.kernel)?;
    let mut words = Vec::new();
    let given = |prefix: &str| {
        let mut words = image.args.iter().flat_map(|arg| arg.split(' '));
        words.any(|word| word.starts_with(prefix))
    };
    let archives = || {
        let numbered = image.initrds.iter().enumerate();
        numbered
            .filter(|(_, initrd)| initrd.target.is_none())
            .map(|(place, initrd)| format!("initrd={}", initrd_name(place, initrd)))
    };
    if !given("initrd=") {
        words.extend(archives());
    }
    for arg in &image.args {
        check_argument(arg)?;
        words.push(arg.trim().to_owned());
    }
    if let Some(mac) = asked.sighting.boot_mac
        && archives().next().is_some()
        && !given("BOOTIF=")
    {
        words.push(format!("BOOTIF=01-{}", mac.hyphens()));
    }
    let line = words.join(" ");
    if line.len() > COMMAND_LINE_BYTES_MAX {
        let fault = Fault::TooLong { len: line.len() };
        let front = FrontEnd::Ipxe;
        return Err(Unscriptable {
            text: line,
            fault,
            front,
        });
    }
    Ok(format!("kernel {} {line}", image.kernel).trim_end().to_owned())
}

/// The image name of an initrd: its own, else `main` for the first.
fn initrd_name(place: usize, initrd: &Initrd) -> String {
    match (&initrd.name, place) {
        (Some(name), _) => name.clone(),
        (None, 0) => "main".to_owned(),
        (None, place) => format!("initrd{place}"),
    }
}
