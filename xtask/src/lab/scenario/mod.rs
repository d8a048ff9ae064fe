//! The stories that the lab plays.

mod arm64;
mod debian;
mod dialect;
mod fault;
mod front;
mod held;
mod http_boot;
mod install;
mod ipv6;
mod menu;
mod own_disk;
mod pipeline;
mod relay;
mod same_box;
mod server;
mod story;

use anyhow::{Result, bail};

use super::machine::{Build, Firmware};
use super::site::Site;
use super::wire::Rom;

/// A story with real firmware.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What it shows, in a sentence.
    pub(crate) story: &'static str,
    /// The machines that play, and whether the configuration names them before they are seen.
    pub(crate) cast: &'static [Role],
    pub(crate) play: fn(&Site) -> Result<()>,
}

/// A machine's part in a story.
pub(crate) struct Role {
    pub(crate) build: Build,
    /// The configuration has a host of the machine's name.
    pub(crate) known: bool,
}

const BIOS_ROM: Build = Build {
    name: "bios-rom",
    number: 1,
    firmware: Firmware::Bios,
    rom: Rom::Itself,
};
const BIOS_VENDOR: Build = Build {
    name: "bios-vendor",
    number: 2,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};
const UEFI: Build = Build {
    name: "uefi",
    number: 3,
    firmware: Firmware::Uefi,
    rom: Rom::Itself,
};
const STRANGER: Build = Build {
    name: "stranger",
    number: 4,
    firmware: Firmware::Bios,
    rom: Rom::Itself,
};
const INTERRUPTED: Build = Build {
    name: "interrupted",
    number: 5,
    firmware: Firmware::Bios,
    rom: Rom::Itself,
};
const BAD_CABLE: Build = Build {
    name: "bad-cable",
    number: 7,
    firmware: Firmware::Uefi,
    rom: Rom::Itself,
};
const RESTLESS: Build = Build {
    name: "restless",
    number: 6,
    firmware: Firmware::Bios,
    rom: Rom::Itself,
};

const HTTP_BOOT: Build = Build {
    name: "http-boot",
    number: 8,
    firmware: Firmware::UefiHttp,
    rom: Rom::Itself,
};

const BEHIND_RELAY: Build = Build {
    name: "relay",
    number: 9,
    firmware: Firmware::Uefi,
    rom: Rom::Itself,
};

const ARM64: Build = Build {
    name: "arm64",
    number: 10,
    firmware: Firmware::Arm64,
    rom: Rom::Itself,
};

const PXELINUX: Build = Build {
    name: "pxelinux",
    number: 11,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};

const PXELINUX_MENU: Build = Build {
    name: "pxelinux-menu",
    number: 17,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};

const GRUB: Build = Build {
    name: "grub",
    number: 12,
    firmware: Firmware::Uefi,
    rom: Rom::Itself,
};

const LENT_TO: Build = Build {
    name: "relay-lease",
    number: 13,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};

const SERVED_BIOS: Build = Build {
    name: "server-bios",
    number: 14,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};

const SERVED_UEFI: Build = Build {
    name: "server-uefi",
    number: 15,
    firmware: Firmware::Uefi,
    rom: Rom::Itself,
};

const SERVED_HTTP: Build = Build {
    name: "server-http",
    number: 16,
    firmware: Firmware::UefiHttp,
    rom: Rom::Itself,
};

const SECURE_BOOT: Build = Build {
    name: "secure-boot",
    number: 21,
    firmware: Firmware::Secure,
    rom: Rom::Itself,
};

const REFUSED: Build = Build {
    name: "refused",
    number: 22,
    firmware: Firmware::Secure,
    rom: Rom::Itself,
};

const OWN_KEYS: Build = Build {
    name: "own-keys",
    number: 23,
    firmware: Firmware::SecureOwn,
    rom: Rom::Itself,
};

const OWN_KEYS_HTTP: Build = Build {
    name: "own-keys-http",
    number: 24,
    firmware: Firmware::SecureOwnHttp,
    rom: Rom::Itself,
};

const NEIGHBOUR: Build = Build {
    name: "same-box",
    number: 30,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};

const BOOTCFG: Build = Build {
    name: "bootcfg",
    number: 60,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};

const PIPELINE: Build = Build {
    name: "pipeline",
    number: 65,
    firmware: Firmware::Bios,
    rom: Rom::Itself,
};

const MATCHBOX: Build = Build {
    name: "matchbox",
    number: 62,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};

const DYNAMIC_IGNITION: Build = Build {
    name: "dynamic-ignition",
    number: 63,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};

const OVER_IPV6: Build = Build {
    name: "ipv6",
    number: 50,
    firmware: Firmware::UefiIpv6,
    rom: Rom::Itself,
};

const HTTP_OVER_IPV6: Build = Build {
    name: "ipv6-http",
    number: 51,
    firmware: Firmware::UefiHttpIpv6,
    rom: Rom::Itself,
};

const DEBIAN: Build = Build {
    name: "debian",
    number: 61,
    firmware: Firmware::Bios,
    rom: Rom::Itself,
};

const HTTP_BESIDE_IPV6: Build = Build {
    name: "ipv6-http-proxy",
    number: 52,
    firmware: Firmware::UefiHttpIpv6,
    rom: Rom::Itself,
};

const RESETS_BIOS: Build = Build {
    name: "resets-bios",
    number: 40,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};

const RESETS_UEFI: Build = Build {
    name: "resets-uefi",
    number: 41,
    firmware: Firmware::UefiIpv4,
    rom: Rom::Itself,
};

const ROOMY: Build = Build {
    name: "roomy",
    number: 42,
    firmware: Firmware::Bios,
    rom: Rom::VendorLike,
};

/// Every scenario, the longest first, so that the last to end is short.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "resets-uefi",
        story: "a UEFI machine whose disk resets it is sent there in three ways, and then waits until an operator lets it \
                try again",
        cast: &[Role {
            build: RESETS_UEFI,
            known: true,
        }],
        play: own_disk::uefi_is_parked,
    },
    Scenario {
        name: "resets-bios",
        story: "a BIOS machine whose disk resets it is sent there in three ways, and then waits until an operator lets it \
                try again",
        cast: &[Role {
            build: RESETS_BIOS,
            known: true,
        }],
        play: own_disk::bios_is_parked,
    },
    Scenario {
        name: "debian",
        story: "Debian's own installer boots, fetches its preseed file under the run's token, reports from its first command under \
                the name that the host has everywhere, tells its steps, and that it fails where there is no mirror",
        cast: &[Role {
            build: DEBIAN,
            known: true,
        }],
        play: debian::preseeded,
    },
    Scenario {
        name: "roomy",
        story: "a BIOS machine whose disk does not start after a boot loader is brought there by the way that works, which \
                is taken at once from then on",
        cast: &[Role {
            build: ROOMY,
            known: true,
        }],
        play: own_disk::another_way_works,
    },
    Scenario {
        name: "pipeline",
        story: "a queue of three: a machine whose disk holds something is looked at, then that disk is wiped, then it installs \
                once and starts from it",
        cast: &[Role {
            build: PIPELINE,
            known: true,
        }],
        play: pipeline::discover_wipe_install,
    },
    Scenario {
        name: "attempts",
        story: "an install that is reset again and again is not begun more often than allowed, and a disk that holds \
                something is overwritten only when an operator names it",
        cast: &[Role {
            build: RESTLESS,
            known: true,
        }],
        play: fault::attempts,
    },
    Scenario {
        name: "interruptions",
        story: "the daemon is killed in mid-install and the report is lost: the install ends well, and once",
        cast: &[Role {
            build: INTERRUPTED,
            known: true,
        }],
        play: fault::interruptions,
    },
    Scenario {
        name: "server",
        story: "Bootwright is the only DHCP server: a BIOS and a UEFI machine keep one address from firmware to installer, \
                install once, start from their disks",
        cast: &[
            Role {
                build: SERVED_BIOS,
                known: true,
            },
            Role {
                build: SERVED_UEFI,
                known: true,
            },
        ],
        play: server::server,
    },
    Scenario {
        name: "pxelinux",
        story: "a BIOS machine waits in PXELINUX, is armed, installs once with everything by TFTP, starts from its disk",
        cast: &[Role {
            build: PXELINUX,
            known: false,
        }],
        play: front::pxelinux,
    },
    Scenario {
        name: "secure-boot",
        story: "Bootwright is the only DHCP server: firmware with Microsoft's keys starts shim, GRUB and a kernel that Debian signed, installs once, starts from \
                its disk; what somebody changed it refuses, and the timeline says so",
        cast: &[
            Role {
                build: SECURE_BOOT,
                known: false,
            },
            Role {
                build: REFUSED,
                known: false,
            },
        ],
        play: front::secure_boot,
    },
    Scenario {
        name: "own-keys",
        story: "firmware that knows a site's key refuses iPXE as Debian ships it, starts the same with the site's signature, \
                and installs once; another one that boots by HTTP starts it too, and waits",
        cast: &[
            Role {
                build: OWN_KEYS,
                known: true,
            },
            Role {
                build: OWN_KEYS_HTTP,
                known: false,
            },
        ],
        play: front::own_keys,
    },
    Scenario {
        name: "grub",
        story: "a UEFI machine waits in GRUB, is armed, installs once, starts from its disk",
        cast: &[Role {
            build: GRUB,
            known: false,
        }],
        play: front::grub,
    },
    Scenario {
        name: "ipv6-http",
        story: "a UEFI machine that boots by HTTP gets address and URL over IPv6, beside a plain DHCP server of IPv4, \
                installs once, starts from its disk",
        cast: &[Role {
            build: HTTP_OVER_IPV6,
            known: true,
        }],
        play: ipv6::http_boot,
    },
    Scenario {
        name: "ipv6-http-proxy",
        story: "a UEFI machine that boots by HTTP over IPv6 gets its address from another DHCPv6 server and the URL from \
                Bootwright, installs once, starts from its disk",
        cast: &[Role {
            build: HTTP_BESIDE_IPV6,
            known: true,
        }],
        play: ipv6::http_boot_beside_another,
    },
    Scenario {
        name: "ipv6",
        story: "on a segment without IPv4, with a router of its own, a UEFI machine boots by PXE, gets its address from \
                Bootwright, installs once, starts from its disk",
        cast: &[Role {
            build: OVER_IPV6,
            known: true,
        }],
        play: ipv6::pxe,
    },
    Scenario {
        name: "bootcfg",
        story: "a dnsmasq as guides for bootcfg have it lends addresses and sends iPXE to `/boot.ipxe`: a BIOS machine waits \
                there, is armed with its spec, installs once in bootcfg's words, starts from its disk",
        cast: &[Role {
            build: BOOTCFG,
            known: false,
        }],
        play: dialect::bootcfg,
    },
    Scenario {
        name: "matchbox",
        story: "the same site with matchbox's data: a BIOS machine waits there, is armed with its group, installs once in \
                matchbox's words with a second document for that step, starts from its disk",
        cast: &[Role {
            build: MATCHBOX,
            known: false,
        }],
        play: dialect::matchbox,
    },
    Scenario {
        name: "dynamic-ignition",
        story: "a BIOS machine waits in PXELINUX, is armed with the entry of `pxelinux.cfg/default`, is known by its address when it \
                asks for `/get_ignition`, has the name that stands there, installs once, starts from its disk",
        cast: &[Role {
            build: DYNAMIC_IGNITION,
            known: false,
        }],
        play: front::dynamic_ignition,
    },
    Scenario {
        name: "bios-vendor",
        story: "a BIOS machine with a vendor's PXE ROM goes the whole way over TFTP, installs once, starts from its disk",
        cast: &[Role {
            build: BIOS_VENDOR,
            known: true,
        }],
        play: install::bios_vendor,
    },
    Scenario {
        name: "uefi",
        story: "a UEFI machine goes by its own PXE client and `snponly.efi`, installs once, starts from its disk",
        cast: &[Role {
            build: UEFI,
            known: true,
        }],
        play: install::uefi,
    },
    Scenario {
        name: "http-boot",
        story: "a UEFI machine that boots by HTTP beside a plain DHCP server fetches iPXE by URL, installs once, starts from \
                its disk",
        cast: &[Role {
            build: HTTP_BOOT,
            known: true,
        }],
        play: http_boot::http_boot,
    },
    Scenario {
        name: "http-boot-server",
        story: "Bootwright is the only DHCP server: a UEFI machine that boots by HTTP gets address and URL from it, installs \
                once, starts from its disk",
        cast: &[Role {
            build: SERVED_HTTP,
            known: true,
        }],
        play: server::http_boot,
    },
    Scenario {
        name: "arm64",
        story: "an emulated 64-bit ARM machine boots by PXE into `ipxe-arm64.efi`, is held, and is told what to install",
        cast: &[Role {
            build: ARM64,
            known: false,
        }],
        play: arm64::arm64,
    },
    Scenario {
        name: "relay",
        story: "a UEFI machine on a second segment boots through a relay once that is listed, installs once, starts from its \
                disk",
        cast: &[Role {
            build: BEHIND_RELAY,
            known: true,
        }],
        play: relay::relay,
    },
    Scenario {
        name: "relay-lease",
        story: "a BIOS machine behind a relay that names its link keeps one address of Bootwright's from firmware to installer, \
                installs once, starts from its disk",
        cast: &[Role {
            build: LENT_TO,
            known: true,
        }],
        play: relay::relay_lease,
    },
    Scenario {
        name: "same-box",
        story: "another DHCP server runs on Bootwright's own box and holds port 67: a BIOS machine gets its address from it and \
                boots by captured packets, installs once, starts from its disk",
        cast: &[Role {
            build: NEIGHBOUR,
            known: true,
        }],
        play: same_box::same_box,
    },
    Scenario {
        name: "pxelinux-menu",
        story: "a BIOS machine shows a menu of PXELINUX, which starts its default by itself, with the card that it booted from \
                on the kernel line",
        cast: &[Role {
            build: PXELINUX_MENU,
            known: false,
        }],
        play: menu::pxelinux_menu,
    },
    Scenario {
        name: "bad-cable",
        story: "frames get lost and doubled on the way of a UEFI machine, which installs once all the same",
        cast: &[Role {
            build: BAD_CABLE,
            known: true,
        }],
        play: install::bad_cable,
    },
    Scenario {
        name: "held",
        story: "an unknown machine waits, says who it is, and installs within seconds of being armed",
        cast: &[Role {
            build: STRANGER,
            known: false,
        }],
        play: held::armed_while_waiting,
    },
    Scenario {
        name: "bios-rom",
        story: "a BIOS machine whose network ROM is iPXE goes straight to the script, installs once, starts from its disk",
        cast: &[Role {
            build: BIOS_ROM,
            known: true,
        }],
        play: install::bios_rom,
    },
];

/// The scenarios of these names; all of them for no name.
pub(super) fn choose(names: &[String]) -> Result<Vec<&'static Scenario>> {
    if names.is_empty() {
        return Ok(ALL.iter().collect());
    }
    let find = |name: &String| match ALL.iter().find(|scenario| scenario.name == name) {
        Some(scenario) => Ok(scenario),
        None => bail!("no scenario `{name}`\n`cargo xtask lab --list` names them"),
    };
    names.iter().map(find).collect()
}
