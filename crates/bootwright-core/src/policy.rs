//! What the operator's configuration says, lowered to the words of the core.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::ipv6::Ipv6;
use crate::lease::Subnet;
use crate::rule::gift::{first_part, given};
use crate::{
    Arch, Facts, Gift, Host, HostId, LocalMethod, Naming, Profile, ProfileName, Rules, Sighting, Span, Strategy,
    attributes,
};

/// The whole of the operator's policy. A value: a reload makes another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What keeps disks safe.
    pub safety: Safety,
    /// Whether and how DHCP is answered.
    pub dhcp: DhcpMode,
    /// The relays through which DHCP is answered.
    pub relays: BTreeSet<Ipv4Addr>,
    /// The subnets on which addresses are lent in mode `server`; no two overlap.
    pub subnets: Vec<Arc<Subnet>>,
    /// Whether addresses are lent although another server does so.
    pub force: bool,
    /// How often other DHCP servers are searched for; without it they are only overheard.
    pub census: Option<Span>,
    /// What is heard and said over IPv6.
    pub ipv6: Ipv6,
    /// The first boot file for each architecture.
    pub first_files: BTreeMap<Arch, String>,
    /// What else there is for an architecture, for machines on which the first file does not run; in order.
    pub other_files: BTreeMap<Arch, Vec<String>>,
    /// Whether the site keeps firmware for Raspberry Pis, which are not answered without.
    pub raspberry_pi: bool,
    /// Whether an offer may repeat the DHCP server's own with our boot data in it, for firmware that needs that.
    pub merged_offer: bool,
    /// What hosts may boot. Shared with the runs that were started with them.
    pub profiles: BTreeMap<ProfileName, Arc<Profile>>,
    /// Which hosts the configuration names.
    pub hosts: BTreeMap<HostId, HostDefinition>,
    /// How machines are named that the configuration does not name.
    pub naming: Naming,
    /// Which profile hosts get by their attributes, in file order.
    pub rules: Rules,
    /// The metadata that hosts get by their attributes, in file order.
    pub gifts: Vec<Gift>,
}

/// A host that the configuration names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostDefinition {
    /// Its name, which a host has for people whatever the store calls it.
    pub name: Option<HostId>,
    /// What tells it from others.
    pub facts: Facts,
    /// The profile that it is meant for; naming it grants nothing.
    pub profile: Option<ProfileName>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its metadata, for templates.
    pub metadata: BTreeMap<String, String>,
    /// The first boot file in place of the architecture's.
    pub first_file: Option<String>,
    /// The directory below that of all Raspberry Pis in which its own files lie.
    pub directory: Option<String>,
    /// How its offer is worded, in place of what is found out.
    pub offer: Option<Strategy>,
    /// How it is sent to its own disk in place of the firmware's list.
    pub local: Option<LocalMethod>,
    /// The addresses that nobody but its cards may get in mode `server`, at most one in a subnet.
    pub addresses: Vec<Ipv4Addr>,
}

/// Whether and how DHCP is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpMode {
    /// Boot data beside another server that leases the addresses.
    Proxy,
    /// Boot data and the addresses: this is the segment's DHCP server.
    Server,
    /// Nothing is answered; what would be is recorded.
    Observe,
    /// DHCP is left alone.
    Off,
}

/// What keeps disks safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safety {
    /// What a host gets that nobody has decided about.
    pub unknown: Unknown,
    /// How many times a run's script may be served.
    pub max_attempts: u32,
    /// How many runs may be under way at once.
    pub max_concurrent: u32,
    /// How many runs may begin within an hour.
    pub max_new_per_hour: u32,
    /// Which disks an installer may overwrite.
    pub wipe: Wipe,
    /// How long an arming lasts unused.
    pub arm_ttl: Span,
    /// How long after its installed system came up a host is locked; nothing leaves it open.
    pub protect_after: Option<Span>,
    /// After how many failed runs in a row new installs pause.
    pub pause_after_failures: u32,
    /// More armings than this by one rule within a minute pause new installs.
    pub max_rule_arms_per_minute: u32,
    /// Whether the documents of runs, which may hold secrets, are handed out by HTTP, which anybody on the segment can read.
    pub documents_over_http: bool,
    /// By what a machine is known that fetches the documents of its run.
    pub document_binding: Binding,
    /// How long after the script an installer may come for its first document, and for those with secrets.
    pub document_window: Span,
    /// The boot menu that a person at the console of a waiting machine may open. It never installs.
    pub console_menu: Option<ProfileName>,
    /// Whether such a person may open a shell of the boot loader.
    pub console_shell: bool,
}

/// By what a machine is known that fetches the documents of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// By its card, as the kernel's neighbour table shows it; behind relays that are listed, by its address.
    Station,
    /// By the address that it had when it was handed its script.
    Address,
}

/// What a host gets that nobody has decided about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It waits, and its console says who it is.
    Hold,
    /// It boots its own disk.
    Local,
    /// It is not answered.
    Ignore,
    /// It is installed. The operator confirmed in the configuration that this overwrites disks.
    Install(ProfileName),
}

/// Which disks an installer may overwrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wipe {
    /// Empty ones, and those that an operator named for this arming.
    EmptyOnly,
    /// Any. The configuration alone can say so.
    Always,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            unknown: Unknown::Hold,
            max_attempts: 2,
            max_concurrent: 32,
            max_new_per_hour: 200,
            wipe: Wipe::EmptyOnly,
            arm_ttl: Span::from_hours(24),
            protect_after: Some(Span::from_hours(24)),
            pause_after_failures: 3,
            max_rule_arms_per_minute: 5,
            documents_over_http: true,
            document_binding: Binding::Station,
            document_window: Span::from_mins(15),
            console_menu: None,
            console_shell: false,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            safety: Safety::default(),
            dhcp: DhcpMode::Proxy,
            relays: BTreeSet::new(),
            subnets: Vec::new(),
            force: false,
            census: Some(Span::from_mins(5)),
            ipv6: Ipv6::default(),
            first_files: default_first_files(),
            other_files: default_other_files(),
            raspberry_pi: false,
            merged_offer: false,
            profiles: BTreeMap::new(),
            hosts: BTreeMap::new(),
            naming: Naming::default(),
            rules: Rules::default(),
            gifts: Vec::new(),
        }
    }
}

/// The first boot file of each architecture that we serve without being told.
#[must_use]
pub fn default_first_files() -> BTreeMap<Arch, String> {
    [
        ("bios", "undionly.kpxe"),
        ("efi32", "ipxe-i386.efi"),
        ("efi64", "snponly.efi"),
        ("ebc", "snponly.efi"),
        ("arm64", "ipxe-arm64.efi"),
        ("efi32-http", "ipxe-i386.efi"),
        ("efi64-http", "snponly.efi"),
        ("ebc-http", "snponly.efi"),
        ("arm64-http", "ipxe-arm64.efi"),
        ("riscv64", "ipxe-riscv64.efi"),
        ("riscv64-http", "ipxe-riscv64.efi"),
        ("loong64", "ipxe-loong64.efi"),
        ("loong64-http", "ipxe-loong64.efi"),
    ]
    .into_iter()
    .filter_map(|(arch, file)| Arch::from_name(arch).map(|arch| (arch, file.to_owned())))
    .collect()
}

/// What else there is for an architecture without being told: builds of iPXE with drivers of their own, for machines whose
/// firmware's driver does not serve.
#[must_use]
pub fn default_other_files() -> BTreeMap<Arch, Vec<String>> {
    [
        ("bios", "ipxe.pxe"),
        ("efi64", "ipxe-amd64.efi"),
        ("ebc", "ipxe-amd64.efi"),
        ("efi64-http", "ipxe-amd64.efi"),
        ("ebc-http", "ipxe-amd64.efi"),
    ]
    .into_iter()
    .filter_map(|(arch, file)| Arch::from_name(arch).map(|arch| (arch, vec![file.to_owned()])))
    .collect()
}

impl Policy {
    /// The metadata that rules give a host: nothing of what its own section says, or the store, or another rule before.
    #[must_use]
    pub fn given(&self, host: &Host, definition: Option<&HostDefinition>, seen: &Sighting) -> BTreeMap<String, String> {
        if self.gifts.is_empty() {
            return BTreeMap::new();
        }
        let configured = definition.into_iter().flat_map(|definition| definition.metadata.keys());
        let own = configured.chain(host.metadata.keys());
        let own = own.map(|name| first_part(name).to_owned()).collect();
        given(&self.gifts, &attributes(host, definition, seen), &own, false)
    }

    /// What the configuration says of a host, with the metadata that rules give it.
    #[must_use]
    pub fn described(
        &self,
        host: &Host,
        definition: Option<&HostDefinition>,
        seen: &Sighting,
    ) -> Option<HostDefinition> {
        let given = self.given(host, definition, seen);
        if given.is_empty() {
            return definition.cloned();
        }
        let mut described = definition.cloned().unwrap_or_default();
        described.metadata.extend(given);
        Some(described)
    }

    /// The boot programs for an architecture, in the order in which they are tried.
    pub fn boot_files(&self, arch: Arch) -> impl Iterator<Item = &str> {
        let first = self.first_files.get(&arch);
        let others = first.and_then(|_| self.other_files.get(&arch));
        first
            .into_iter()
            .chain(others.into_iter().flatten())
            .map(String::as_str)
    }
}
