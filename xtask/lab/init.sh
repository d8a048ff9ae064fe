#!/bin/sh
# The lab's installer: the first process of a machine that was told to install.
#
# It takes its settings from the kernel line:
#   bootwright.url=URL     where this run reports and finds its documents
#   bootwright.image=URL   what to write to the disk
#   BOOTIF=01-MAC          which network card started the machine
#   lab.pause=STEP,STEP    stop before each STEP until `resume` comes on the serial line
#   lab.post-install=URL   what to run behind the image, if it is no document of the run
#   coreos.inst.ignition_url=URL, lab.nonce-sector=N
#                          what the system is to be called stands there; it is written into that sector of the disk
#   lab.done-tries=N       reboot after so many reports that nobody heard
#   lab.look               say what is on the kernel line, and nothing else

/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /tmp
mount -t tmpfs tmpfs /tmp

say() { echo "lab-installer: $*"; }

reboot_now() {
    say "rebooting"
    sync
    reboot -f
    # The reset takes effect a moment later; the first process must not end before.
    while :; do sleep 60; done
}

url= image= boot_if= pause= post_install= ignition= nonce_sector= look= done_tries=30
for word in $(cat /proc/cmdline); do
    case "$word" in
        bootwright.url=*) url=${word#*=} ;;
        bootwright.image=*) image=${word#*=} ;;
        BOOTIF=01-*) boot_if=$(echo "${word#BOOTIF=01-}" | tr - : | tr A-F a-f) ;;
        lab.pause=*) pause=${word#*=} ;;
        lab.post-install=*) post_install=${word#*=} ;;
        coreos.inst.ignition_url=*) ignition=${word#*=} ;;
        lab.nonce-sector=*) nonce_sector=${word#*=} ;;
        lab.done-tries=*) done_tries=${word#*=} ;;
        lab.look) look=yes ;;
    esac
done
if [ -n "$look" ]; then
    say "looks: $(cat /proc/cmdline)"
    while :; do sleep 60; done
fi
say "started url=$url image=$image bootif=$boot_if"

get() { timeout 30 wget -q -O - "$url/$1"; }

# Progress is a courtesy: losing it must not stop an installation.
progress() { get "progress?$1" >/dev/null 2>&1 || true; }

fail() {
    say "failed: $1"
    get "fail?reason=$1" >/dev/null 2>&1
    reboot_now
}

pause_before() {
    case ",$pause," in
        *",$1,"*) ;;
        *) return 0 ;;
    esac
    say "paused before $1"
    while read -r answer </dev/console; do
        [ "$answer" = resume ] && break
    done
    say "resumed"
}

while read -r module; do
    insmod "/modules/$module" || say "module $module does not load"
done </modules/order

interface=
for candidate in /sys/class/net/*; do
    [ "$(cat "$candidate/address")" = "$boot_if" ] && interface=${candidate##*/}
done
[ -n "$interface" ] || { say "no network card has the address $boot_if"; reboot_now; }
ip link set lo up
ip link set "$interface" up
# A URL with an address in brackets: the network is one of IPv6 alone, and its router tells the kernel the address.
global() { ip -6 -o address show dev "$interface" scope global | grep -v tentative | awk '{print $4}'; }
case "$url" in
    *://\[*)
        waited=0
        until [ -n "$(global)" ] || [ "$waited" -ge 60 ]; do
            waited=$((waited + 1))
            sleep 1
        done
        [ -n "$(global)" ] || { say "no address on $interface"; reboot_now; }
        say "network $interface $(global)"
        ;;
    *)
        udhcpc -i "$interface" -n -q -t 10 -T 2 -s /udhcpc.sh >/dev/null 2>&1 || { say "no lease on $interface"; reboot_now; }
        say "network $interface $(ip -4 -o address show dev "$interface" | awk '{print $4}')"
        ;;
esac

# Exactly one disk, or nobody can say which one was meant.
disk=
for candidate in /sys/block/vd*; do
    [ -e "$candidate" ] || continue
    [ -z "$disk" ] || fail several-disks
    disk=${candidate##*/}
done
[ -n "$disk" ] || fail no-disk
serial=$(cat "/sys/block/$disk/serial")

# What is on the disk, in words: `empty` only if its first and last megabyte hold nothing but zeros.
content() {
    words=
    sectors=$(cat "/sys/block/$disk/size")
    [ "$(dd if="/dev/$disk" bs=1 skip=510 count=2 2>/dev/null | hexdump -v -e '1/1 "%02x"')" = 55aa ] && words=mbr
    [ "$(dd if="/dev/$disk" bs=1 skip=512 count=8 2>/dev/null)" = "EFI PART" ] && words=${words:+$words+}gpt
    rest=$({
        dd if="/dev/$disk" bs=512 count=2048 2>/dev/null
        dd if="/dev/$disk" bs=512 skip=$((sectors - 2048)) 2>/dev/null
    } | tr -d '\000' | wc -c)
    [ -z "$words" ] && [ "$rest" != 0 ] && words=data
    echo "${words:-empty}"
}

pause_before guard
content=$(content)
say "disk $disk serial=$serial content=$content"
waited=0
while :; do
    answer=$(get "progress?stage=guard&serial=$serial&content=$content" 2>/dev/null) || answer="no-answer"
    case "$answer" in
        go*) say "guard says go"; break ;;
        wait*) [ "$waited" = 0 ] && say "guard says wait"; waited=1; sleep 1 ;;
        stop*) say "guard says $answer"; fail "guard-$(echo "${answer#stop}" | tr -cs 'a-zA-Z0-9\n' -)" ;;
        no-answer)
            waited=$((waited + 1))
            [ "$waited" -lt 60 ] || fail guard-unreachable
            sleep 1
            ;;
        *) fail "guard-answer-unknown" ;;
    esac
done

pause_before fetch
say "fetching $image"
progress "stage=fetch&pct=0"
tries=0
until timeout 300 wget -q -O /tmp/disk.img "$image"; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || fail image-unreachable
    sleep 1
done
total=$(($(stat -c %s /tmp/disk.img) / 1048576))
pause_before write
say "writing $total MiB"
megabyte=0
while [ "$megabyte" -lt "$total" ]; do
    [ $((megabyte * 2)) -eq "$total" ] && pause_before half
    dd if=/tmp/disk.img of="/dev/$disk" bs=1M skip="$megabyte" seek="$megabyte" count=4 conv=notrunc,fsync 2>/dev/null ||
        fail write-error
    megabyte=$((megabyte + 4))
    progress "stage=write&pct=$((megabyte * 100 / total))"
done

pause_before post
behind=${ignition:-${post_install:-$url/post-install.sh}}
say "fetching ${behind##*/}"
tries=0
until timeout 30 wget -q -O /tmp/behind "$behind" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || fail post-install-unreachable
    sleep 1
done
if [ -n "$ignition" ]; then
    name=$(sed -n 's|.*"source":"data:,\([a-z0-9-]*\)".*|\1|p' /tmp/behind)
    [ -n "$name" ] || fail no-name-in-ignition
    printf 'nonce=%s\n%512s' "$name.1.${url##*/}" '' | tr ' ' '\n' |
        dd of="/dev/$disk" bs=512 count=1 seek="$nonce_sector" iflag=fullblock conv=notrunc,fsync 2>/dev/null
else
    url="$url" DISK="/dev/$disk" sh /tmp/behind || fail post-install
fi
sync
say "written"

pause_before done
tries=0
until timeout 5 wget -q -O - "$url/done" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt "$done_tries" ] || { say "nobody heard the report"; reboot_now; }
    sleep 1
done
say "reported"
reboot_now
