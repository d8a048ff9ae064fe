//! The filter that the kernel runs on every frame before it copies one to us: classic BPF, as in `socket(7)`.

use bootwright_core::MacAddr;
use libc::{BPF_ABS, BPF_ALU, BPF_AND, BPF_B, BPF_H, BPF_IND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_LD, BPF_LDX, BPF_MSH};
use libc::{BPF_RET, BPF_W, SKF_AD_OFF, SKF_AD_PKTTYPE, SKF_AD_VLAN_TAG};
use socket2::SockFilter;

const ETHERTYPE_IPV4: u32 = 0x0800;
const ETHERTYPE_VLAN: u32 = 0x8100;
const UDP: u32 = 17;
const DHCP_PORT: u32 = 67;
const CLIENT_PORT: u32 = 68;
const PXE_PORT: u32 = 4011;
/// Where a client's hardware address lies in a DHCP packet, behind the header of UDP.
const CHADDR: u32 = 8 + 28;
/// PACKET_OTHERHOST and PACKET_OUTGOING of `packet(7)`.
const TO_ANOTHER_STATION: u32 = 3;
const SENT_BY_US: u32 = 4;
/// The bits of an IPv4 header that only fragments have: "more follow" and the offset.
const FRAGMENT: u32 = 0x3fff;

/// One instruction, with jumps by name.
#[derive(Clone, Copy)]
enum Line {
    /// Into the accumulator (or, for `LDX`, the index): instruction and operand.
    Do(u32, u32),
    /// Drops the frame if the accumulator is this.
    DropIf(u32),
    /// Drops the frame unless the accumulator is this.
    DropUnless(u32),
    /// Drops the frame if the accumulator has any of these bits.
    DropIfAny(u32),
    /// Goes to the part about tagged frames unless the accumulator is this.
    TaggedUnless(u32),
    /// Takes the frame if the accumulator is this.
    TakeIf(u32),
    /// Takes the frame unless the accumulator is this.
    TakeUnless(u32),
}

/// Takes UDP over IPv4 to port 67 or 4011, unfragmented, with at most one 802.1Q tag in the frame, and nothing that this
/// box sends.
pub(super) fn requests() -> Vec<SockFilter> {
    let mut lines = vec![
        Line::Do(BPF_LD | BPF_W | BPF_ABS, aside(SKF_AD_PKTTYPE)),
        Line::DropIf(SENT_BY_US),
    ];
    lines.extend(for_us());
    let ports = [Line::TakeIf(DHCP_PORT), Line::TakeIf(PXE_PORT), Line::Do(BPF_RET, 0)];
    both_forms(lines, |at| udp_over_ipv4(at).into_iter().chain(ports))
}

/// Takes UDP over IPv4 to port 68 in the same way, and of what this box sends only what answers `own`, its own card: so
/// that another server on this box is heard that answers us, while our own answers cost nothing.
pub(super) fn answers(own: MacAddr) -> Vec<SockFilter> {
    let [a, b, c, d, e, f] = own.octets();
    let rest = move |at: u32| {
        [
            Line::DropUnless(CLIENT_PORT),
            Line::Do(BPF_LD | BPF_W | BPF_ABS, aside(SKF_AD_PKTTYPE)),
            Line::TakeUnless(SENT_BY_US),
            Line::Do(BPF_LD | BPF_W | BPF_IND, at + CHADDR),
            Line::DropUnless(u32::from_be_bytes([a, b, c, d])),
            Line::Do(BPF_LD | BPF_H | BPF_IND, at + CHADDR + 4),
            Line::TakeIf(u32::from_be_bytes([0, 0, e, f])),
            Line::Do(BPF_RET, 0),
        ]
    };
    both_forms(for_us().into(), |at| udp_over_ipv4(at).into_iter().chain(rest(at)))
}

/// Drops what was sent to another station, and what belongs to another link.
///
/// Most often the kernel has moved a tag out of the frame before the filter sees it. Then the frame belongs to a VLAN's own
/// link, where it is seen without any, unless the tag is the one of VLAN 0: that is a priority and no VLAN.
fn for_us() -> [Line; 5] {
    [
        Line::Do(BPF_LD | BPF_W | BPF_ABS, aside(SKF_AD_PKTTYPE)),
        Line::DropIf(TO_ANOTHER_STATION),
        Line::Do(BPF_LD | BPF_W | BPF_ABS, aside(SKF_AD_VLAN_TAG)),
        Line::Do(BPF_ALU | BPF_AND, 0x0fff),
        Line::DropUnless(0),
    ]
}

fn aside(which: libc::c_int) -> u32 {
    (SKF_AD_OFF + which) as u32
}

/// Goes on with `part` for a plain frame and for one with a tag in it, told where the IPv4 header starts.
fn both_forms<I: IntoIterator<Item = Line>>(mut lines: Vec<Line>, part: impl Fn(u32) -> I) -> Vec<SockFilter> {
    lines.push(Line::Do(BPF_LD | BPF_H | BPF_ABS, 12));
    lines.push(Line::TaggedUnless(ETHERTYPE_IPV4));
    lines.extend(part(14));
    let tagged = lines.len();
    lines.push(Line::DropUnless(ETHERTYPE_VLAN));
    lines.push(Line::Do(BPF_LD | BPF_H | BPF_ABS, 16));
    lines.push(Line::DropUnless(ETHERTYPE_IPV4));
    lines.extend(part(18));
    assemble(&lines, tagged)
}

/// The part about a packet whose IPv4 header starts at `at`: leaves the port that it is for in the accumulator.
fn udp_over_ipv4(at: u32) -> [Line; 6] {
    [
        Line::Do(BPF_LD | BPF_B | BPF_ABS, at + 9),
        Line::DropUnless(UDP),
        Line::Do(BPF_LD | BPF_H | BPF_ABS, at + 6),
        Line::DropIfAny(FRAGMENT),
        // The index becomes the length of the IPv4 header.
        Line::Do(BPF_LDX | BPF_B | BPF_MSH, at),
        Line::Do(BPF_LD | BPF_H | BPF_IND, at + 2),
    ]
}

/// Turns names into distances. The two ends are appended: drop, then take.
fn assemble(lines: &[Line], tagged: usize) -> Vec<SockFilter> {
    let (dropped, taken) = (lines.len(), lines.len() + 1);
    let jump = |place: usize, test: u32, value: u32, then: Option<usize>, otherwise: Option<usize>| {
        let distance = |target: Option<usize>| target.map_or(0, |target| target - place - 1) as u8;
        SockFilter::new((BPF_JMP | test) as u16, distance(then), distance(otherwise), value)
    };
    let instruction = |(place, line): (usize, &Line)| match *line {
        Line::Do(code, operand) => SockFilter::new(code as u16, 0, 0, operand),
        Line::DropIf(value) => jump(place, BPF_JEQ, value, Some(dropped), None),
        Line::DropUnless(value) => jump(place, BPF_JEQ, value, None, Some(dropped)),
        Line::DropIfAny(bits) => jump(place, BPF_JSET, bits, Some(dropped), None),
        Line::TaggedUnless(value) => jump(place, BPF_JEQ, value, None, Some(tagged)),
        Line::TakeIf(value) => jump(place, BPF_JEQ, value, Some(taken), None),
        Line::TakeUnless(value) => jump(place, BPF_JEQ, value, None, Some(taken)),
    };
    let mut program: Vec<_> = lines.iter().enumerate().map(instruction).collect();
    program.push(SockFilter::new(BPF_RET as u16, 0, 0, 0));
    program.push(SockFilter::new(BPF_RET as u16, 0, 0, u32::MAX));
    program
}
