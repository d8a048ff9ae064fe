#!/bin/sh
# The first process of the small Linux that looks at machines: it finds the network, runs the script of the run that booted it,
# and starts the machine anew. What is done to the machine stands in that script, `run.sh`, and nowhere here.
#
# From the kernel line:
#   bootwright.url=URL     where the run has its documents and reports
#   BOOTIF=01-MAC          which network card started the machine

/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /tmp
mount -t tmpfs tmpfs /tmp

say() { echo "bootwright-live: $*"; }

reboot_now() {
    say "rebooting"
    sync
    reboot -f
    # The reset takes effect a moment later; the first process must not end before.
    while :; do sleep 60; done
}

url= boot_if=
for word in $(cat /proc/cmdline); do
    case "$word" in
        bootwright.url=*) url=${word#*=} ;;
        BOOTIF=01-*) boot_if=$(echo "${word#BOOTIF=01-}" | tr - : | tr A-F a-f) ;;
    esac
done
# The machine tells the URL to nobody: whoever has it can report in its name.
say "started, card $boot_if"

# A driver without its hardware does nothing, or does not load.
while read -r module; do
    insmod "/modules/$module" 2>/dev/null
done </modules/order

# Controllers take a while to find their disks and cards.
find_card() {
    interface=
    for candidate in /sys/class/net/*; do
        [ "$(cat "$candidate/address" 2>/dev/null)" = "$boot_if" ] && interface=${candidate##*/}
    done
    [ -n "$interface" ]
}
waited=0
until find_card; do
    waited=$((waited + 1))
    [ "$waited" -lt 30 ] || { say "no network card has the address $boot_if"; reboot_now; }
    sleep 1
done

# The names that udev gives to disks, as far as templates use them.
name_disks() {
    mkdir -p /dev/disk/by-id
    for path in /sys/block/*; do
        disk=${path##*/}
        model=$(sed 's/ *$//; s/ /_/g' "$path/device/model" 2>/dev/null)
        serial=$(tr -d ' \n' <"$path/serial" 2>/dev/null || tr -d ' \n' <"$path/device/serial" 2>/dev/null ||
            tail -c +5 "$path/device/vpd_pg80" 2>/dev/null | tr -d ' \000')
        wwid=$(cat "$path/wwid" 2>/dev/null || cat "$path/device/wwid" 2>/dev/null)
        case $disk in
            vd*) names="virtio-$serial" ;;
            nvme*) names="nvme-${model}_$serial nvme-$wwid" ;;
            sd*) names="ata-${model}_$serial wwn-0x${wwid#naa.} scsi-3${wwid#naa.}" ;;
            *) continue ;;
        esac
        for name in $names; do
            case $name in
                */* | *- | *_ | wwn-0x | scsi-3) ;;
                *) ln -sf "../../$disk" "/dev/disk/by-id/$name" ;;
            esac
        done
    done
}

ip link set lo up
ip link set "$interface" up
udhcpc -i "$interface" -n -q -t 20 -T 3 -s /udhcpc.sh >/dev/null 2>&1 || { say "no lease on $interface"; reboot_now; }
sleep 2
name_disks

tries=0
until timeout 60 wget -q -O /tmp/run.sh "$url/run.sh"; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || { say "its run has no script"; reboot_now; }
    sleep 3
done
say "runs its script"
if sh /tmp/run.sh; then
    say "done"
else
    say "failed"
fi
reboot_now
