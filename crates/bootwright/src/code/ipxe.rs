//! The numbers of iPXE's errors. Bits 24 to 30 are an error of POSIX by iPXE's own count, the lower ones say where in iPXE it
//! came up, which is of use to its developers. So what a number means can be told without a list of all.

use std::fmt::Write as _;

/// What an error means in a network boot, by iPXE's number for it: its name, what happened, and what to do.
const KINDS: &[(u8, &str, &str, &str)] = &[
    (
        0x02,
        "EACCES",
        "it may not be read or started",
        "with Secure Boot: the file is not signed with a key that the firmware knows",
    ),
    (
        0x03,
        "EADDRINUSE",
        "an address or a port is in use",
        "start the machine again; see that no other machine has its address",
    ),
    (
        0x04,
        "EADDRNOTAVAIL",
        "no address could be set",
        "no DHCP server answered on any card: see the cable, the VLAN and the switch port's fast mode",
    ),
    (0x06, "EAGAIN", "it was not ready yet", "start the machine again"),
    (
        0x09,
        "EBADMSG",
        "a message could not be read",
        "a proxy or another server on the way changed it",
    ),
    (0x0a, "EBUSY", "something is in use", "start the machine again"),
    (
        0x0b,
        "ECANCELED",
        "somebody cancelled it",
        "a key was pressed at the console",
    ),
    (
        0x0d,
        "ECONNABORTED",
        "a connection was given up",
        "see whether the network is stable, then start it again",
    ),
    (
        0x0e,
        "ECONNREFUSED",
        "nobody listens there",
        "see that the URL's address and port are the machine plane's: `[server] http` and `base_url`",
    ),
    (
        0x0f,
        "ECONNRESET",
        "the other side has ended the connection",
        "the server was restarted, or something on the way cuts connections",
    ),
    (
        0x16,
        "EFBIG",
        "a file is too large for the machine",
        "give the machine more memory, or serve a smaller image",
    ),
    (
        0x17,
        "EHOSTUNREACH",
        "the other side is not reachable",
        "see the address and the router that the machine was given",
    ),
    (
        0x1a,
        "EINPROGRESS",
        "it had not ended when the time was over",
        "a card without a link, or a switch port that opens late: switch its fast mode on",
    ),
    (
        0x1c,
        "EINVAL",
        "an argument or a message makes no sense",
        "see the line of the script before it: a URL or a kernel argument is malformed",
    ),
    (
        0x1d,
        "EIO",
        "reading or writing failed",
        "see the events: a transfer broke off, or the server answered with an error",
    ),
    (
        0x24,
        "EMULTIHOP",
        "too many redirects",
        "let `base_url` lead straight to this server",
    ),
    (
        0x25,
        "ENAMETOOLONG",
        "a name is too long",
        "shorten the path of the file",
    ),
    (
        0x28,
        "ENETUNREACH",
        "there is no way to that network",
        "the machine has no address, or no router: see the DHCP server's answer",
    ),
    (
        0x2a,
        "ENOBUFS",
        "there is no room for packets",
        "start the machine again; update its iPXE if it stays",
    ),
    (
        0x2c,
        "ENODEV",
        "there is no such device",
        "no disk to start from, or no card that iPXE drives: try the other build (`undionly.kpxe`, `snponly.efi`)",
    ),
    (
        0x2d,
        "ENOENT",
        "there is no such file",
        "see the events for the name: the image is not complete, or a run's documents are over",
    ),
    (
        0x2e,
        "ENOEXEC",
        "the file is none that this machine starts",
        "a kernel for another architecture, an unsigned one under Secure Boot, or no kernel at all",
    ),
    (
        0x31,
        "ENOMEM",
        "there is not enough memory",
        "the machine needs more memory for this image; the profile's `min_ram` warns of it",
    ),
    (
        0x34,
        "ENOSPC",
        "there is no room left",
        "the machine needs more memory for this image",
    ),
    (
        0x36,
        "ENOSYS",
        "this iPXE cannot do that",
        "its build lacks a command or a feature that the script uses",
    ),
    (
        0x38,
        "ENOTCONN",
        "there is no connection",
        "the card has no link: see the cable and the switch",
    ),
    (
        0x3c,
        "ENOTSUP",
        "this is not supported",
        "often `https:` in a build without it, or a file format that the build does not know",
    ),
    (
        0x3e,
        "ENXIO",
        "there is no such address",
        "the name of a server is not known: use an address, or see the name server that DHCP gives",
    ),
    (
        0x3f,
        "EOPNOTSUPP",
        "this operation is not supported",
        "the build lacks what the script asks for",
    ),
    (
        0x41,
        "EPERM",
        "it is not permitted",
        "a certificate was not accepted: its name, its time or its issuer; see the machine's clock",
    ),
    (
        0x43,
        "EPROTO",
        "the other side does not keep to the protocol",
        "something other than this server answers there",
    ),
    (
        0x4c,
        "ETIMEDOUT",
        "the time was over",
        "a firewall drops the packets, or the server's address is another one",
    ),
    (
        0x7f,
        "EPLATFORM",
        "the firmware itself refused",
        "the lower bits are the firmware's own error; with Secure Boot mostly an unsigned file",
    ),
];

/// The number of an error as iPXE shows it: eight hexadecimal digits, with or without `0x` or the site's address before them.
fn number(seen: &str) -> Option<u32> {
    let digits = seen.trim().trim_end_matches('/');
    let digits = digits.rsplit('/').next().unwrap_or(digits);
    let digits = digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
        .unwrap_or(digits);
    let plain = digits.len() == 8 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok())?
}

/// What a number means, in a few words.
#[must_use]
pub fn words(seen: &str) -> Option<&'static str> {
    kind(number(seen)?).map(|(_, _, words, _)| *words)
}

fn kind(number: u32) -> Option<&'static (u8, &'static str, &'static str, &'static str)> {
    let posix = u8::try_from(number >> 24 & 0x7f).ok()?;
    KINDS.iter().find(|(kind, ..)| *kind == posix)
}

/// All that there is to say of it.
pub(super) fn explain(seen: &str) -> Option<String> {
    let number = number(seen)?;
    let mut text = format!("iPXE error {number:08x}");
    // Writing to a string cannot fail.
    let _ = match kind(number) {
        Some((_, name, what, act)) => write!(
            text,
            "  {what} ({name})\n\ndo    {act}\n\ncheck `bootwright explain HOST` and `bootwright events --host HOST`\n"
        ),
        None => writeln!(text, "  not one that a network boot usually meets"),
    };
    let _ = write!(
        text,
        "\nmore  https://ipxe.org/{number:08x} says where in iPXE it came up: file {}, place {}\n",
        number >> 13 & 0x7ff,
        number >> 8 & 0x1f
    );
    Some(text)
}
