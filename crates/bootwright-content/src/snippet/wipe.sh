{% include "bootwright/guard.sh" %}

# bootwright_zero DISK BYTES-FROM-START BYTES
# Whole mebibytes take few writes, what is left takes one for each sector.
bootwright_zero() {
    dd if=/dev/zero of="$1" bs=512 seek="$(($2 / 512))" count="$(($3 / 512))" conv=notrunc,fsync 2>/dev/null
}

# bootwright_clear DISK
# Takes away what says that there is something on a disk: the starts of its parts, then both of its ends. It is no erasure: what
# was on the disk can be found by whoever looks for it.
bootwright_clear() {
    bootwright_device=$(readlink -f "$1")
    bootwright_name=${bootwright_device##*/}
    bootwright_bytes=$(bootwright_disk_bytes "$bootwright_device") || return 1
    bootwright_ends=$((16 * 1048576))
    [ "$bootwright_bytes" -ge "$bootwright_ends" ] || bootwright_ends=$bootwright_bytes
    # The table goes last: a disk that was cleared by half is not taken for an empty one.
    for bootwright_part in "/sys/block/$bootwright_name/$bootwright_name"*; do
        [ -r "$bootwright_part/start" ] || continue
        bootwright_start=$(($(cat "$bootwright_part/start") * 512))
        bootwright_size=$(($(cat "$bootwright_part/size") * 512))
        [ "$bootwright_size" -le 1048576 ] || bootwright_size=1048576
        bootwright_zero "$bootwright_device" "$bootwright_start" "$bootwright_size" || return 1
    done
    bootwright_zero "$bootwright_device" "$((bootwright_bytes - bootwright_ends))" "$bootwright_ends" || return 1
    bootwright_zero "$bootwright_device" 0 "$bootwright_ends" || return 1
    sync
    if command -v blockdev >/dev/null 2>&1; then
        blockdev --rereadpt "$bootwright_device" 2>/dev/null
    fi
    [ "$(bootwright_disk_content "$bootwright_device")" = empty ]
}

# How long a disk is, in bytes; for a file its length.
bootwright_disk_bytes() {
    bootwright_sectors=$(cat "/sys/block/${1##*/}/size" 2>/dev/null) || bootwright_sectors=$(($(wc -c <"$1") / 512))
    [ "$bootwright_sectors" -gt 0 ] && echo "$((bootwright_sectors * 512))"
}

# bootwright_wipe DISK...
# Success: all of these disks are empty. The guard is asked about each of them before anything is written to any.
bootwright_wipe() {
    [ $# -gt 0 ] || {
        bootwright_refuse "there is no disk to wipe"
        return 1
    }
    for bootwright_target in "$@"; do
        bootwright_guard "$bootwright_target" || return 1
    done
    for bootwright_target in "$@"; do
        bootwright_report progress stage=wipe "msg=$bootwright_target"
        bootwright_clear "$bootwright_target" || {
            bootwright_refuse "disk $bootwright_target could not be wiped"
            return 1
        }
    done
}
