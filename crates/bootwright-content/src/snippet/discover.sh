{% include "bootwright/guard.sh" %}

bootwright_sys=/sys
bootwright_proc=/proc

# A text as JSON, without whatever could end it.
bootwright_json() {
    printf '"%s"' "$(printf %s "$1" | tr -cd ' -~' | tr -d '"\\' | cut -c1-200)"
}

# The first line of a file, or nothing.
bootwright_line() {
    head -n 1 "$1" 2>/dev/null | tr -d '\000'
}

# bootwright_item NAME TEXT
# A member of an object, with a comma behind it; nothing where there is no text.
bootwright_item() {
    [ -z "$2" ] || printf '"%s": %s, ' "$1" "$(bootwright_json "$2")"
}

bootwright_is_number() {
    case $1 in
        '' | *[!0-9]*) return 1 ;;
    esac
}

# The disks that hold something of their own: no loops, no parts of others, no drives without a medium.
bootwright_disks() {
    for bootwright_path in "$bootwright_sys"/block/*; do
        bootwright_name=${bootwright_path##*/}
        case $bootwright_name in
            loop* | ram* | zram* | dm-* | md* | sr* | fd* | nbd* | mtdblock* | *boot[0-9]) continue ;;
        esac
        [ "$(bootwright_line "$bootwright_path/size")" != 0 ] || continue
        [ -r "/dev/$bootwright_name" ] && echo "$bootwright_name"
    done
}

bootwright_tell_disks() {
    bootwright_comma=
    for bootwright_disk in $(bootwright_disks); do
        bootwright_path=$bootwright_sys/block/$bootwright_disk
        bootwright_size=$(bootwright_line "$bootwright_path/size")
        bootwright_is_number "$bootwright_size" || continue
        bootwright_content=$(bootwright_disk_content "/dev/$bootwright_disk")
        printf '%s{' "$bootwright_comma"
        bootwright_item name "$bootwright_disk"
        bootwright_item serial "$(bootwright_disk_serial "/dev/$bootwright_disk")"
        bootwright_item model "$(bootwright_line "$bootwright_path/device/model" | sed 's/ *$//')"
        if [ "$bootwright_content" = empty ]; then
            printf '"empty": true, '
        else
            printf '"empty": false, '
            bootwright_item content "$bootwright_content"
        fi
        case $(bootwright_line "$bootwright_path/queue/rotational") in
            1) printf '"rotational": true, ' ;;
            0) printf '"rotational": false, ' ;;
        esac
        printf '"size_bytes": %s}' "$((bootwright_size * 512))"
        bootwright_comma=', '
    done
}

# Cards that are hardware: what has no device is a bridge, a bond or a tunnel.
bootwright_tell_cards() {
    bootwright_comma=
    for bootwright_path in "$bootwright_sys"/class/net/*; do
        [ -e "$bootwright_path/device" ] || continue
        printf '%s{' "$bootwright_comma"
        bootwright_item name "${bootwright_path##*/}"
        [ ! -e "$bootwright_path/device/driver" ] ||
            bootwright_item driver "$(basename "$(readlink -f "$bootwright_path/device/driver")" 2>/dev/null)"
        if [ "$(bootwright_line "$bootwright_path/carrier")" = 1 ]; then
            printf '"link": true, '
        else
            printf '"link": false, '
        fi
        printf '"mac": %s}' "$(bootwright_json "$(bootwright_line "$bootwright_path/address")")"
        bootwright_comma=', '
    done
}

bootwright_tell_dmi() {
    bootwright_dmi=$bootwright_sys/class/dmi/id
    bootwright_item manufacturer "$(bootwright_line "$bootwright_dmi/sys_vendor")"
    bootwright_item product "$(bootwright_line "$bootwright_dmi/product_name")"
    bootwright_item serial "$(bootwright_line "$bootwright_dmi/product_serial")"
    bootwright_item asset "$(bootwright_line "$bootwright_dmi/chassis_asset_tag")"
    bootwright_item board "$(bootwright_line "$bootwright_dmi/board_name")"
    bootwright_item bios "$(bootwright_line "$bootwright_dmi/bios_version")"
    printf '"uuid": %s' "$(bootwright_json "$(bootwright_line "$bootwright_dmi/product_uuid")")"
}

# The address of the management controller, where there is one and something that can ask it.
bootwright_tell_bmc() {
    if command -v ipmitool >/dev/null 2>&1 && ipmitool lan print >/tmp/bootwright-bmc 2>/dev/null; then
        bootwright_item address "$(sed -n 's/^IP Address  *: *//p' /tmp/bootwright-bmc)"
        printf '"mac": %s' "$(bootwright_json "$(sed -n 's/^MAC Address  *: *//p' /tmp/bootwright-bmc)")"
    fi
}

# What the machine is made of, as JSON. Only reads.
bootwright_facts() {
    bootwright_memory=$(sed -n 's/^MemTotal: *\([0-9]*\) kB.*/\1/p' "$bootwright_proc/meminfo")
    bootwright_is_number "$bootwright_memory" || bootwright_memory=0
    bootwright_firmware=bios
    [ ! -d "$bootwright_sys/firmware/efi" ] || bootwright_firmware=uefi
    printf '{"memory_mib": %s, "arch": "%s", "firmware": "%s", ' \
        "$((bootwright_memory / 1024))" "$(uname -m)" "$bootwright_firmware"
    printf '"cpu": {'
    bootwright_item model "$(sed -n 's/^model name[^:]*: *//p' "$bootwright_proc/cpuinfo" | head -n 1)"
    printf '"count": %s}, ' "$(grep -c '^processor' "$bootwright_proc/cpuinfo")"
    printf '"dmi": { %s}, "bmc": { %s}, ' "$(bootwright_tell_dmi)" "$(bootwright_tell_bmc)"
    printf '"cards": [%s], "disks": [%s]}\n' "$(bootwright_tell_cards)" "$(bootwright_tell_disks)"
}

# bootwright_post URL FILE
# Prints what the URL answers to a file of JSON.
bootwright_post() {
    if command -v curl >/dev/null 2>&1; then
        curl -fsS -m 20 -H 'Content-Type: application/json' --data-binary "@$2" "$1"
    elif command -v wget >/dev/null 2>&1; then
        wget -q -O - --header 'Content-Type: application/json' --post-file "$2" "$1"
    else
        echo "bootwright: nothing here can send a file" >&2
        return 1
    fi
}

# bootwright_discover
# Success: the server has what the machine is made of.
bootwright_discover() {
    bootwright_facts >/tmp/bootwright-facts || return 1
    bootwright_tries=12
    while [ "$bootwright_tries" -gt 0 ]; do
        bootwright_post "$bootwright_url/facts" /tmp/bootwright-facts && return 0
        bootwright_tries=$((bootwright_tries - 1))
        [ "$bootwright_tries" -eq 0 ] || sleep 5
    done
    return 1
}
