{% include "bootwright/report.sh" %}

# The serial number that the disk gives, or nothing.
bootwright_disk_serial() {
    bootwright_name=$(basename "$(readlink -f "$1")")
    if command -v lsblk >/dev/null 2>&1; then
        bootwright_serial=$(lsblk -n -d -o SERIAL "$1" 2>/dev/null)
    else
        bootwright_serial=
    fi
    for bootwright_file in serial device/serial; do
        [ -n "$bootwright_serial" ] || bootwright_serial=$(cat "/sys/block/$bootwright_name/$bootwright_file" 2>/dev/null)
    done
    # SCSI and SATA have it behind four bytes of header (SPC-4 section 7.8.15).
    [ -n "$bootwright_serial" ] ||
        bootwright_serial=$(tail -c +5 "/sys/block/$bootwright_name/device/vpd_pg80" 2>/dev/null | tr -d '\000')
    printf %s "$bootwright_serial" | tr -d ' \n'
}

# What is on the disk in a few words, or "empty". Only reads.
bootwright_disk_content() {
    bootwright_found=
    if command -v wipefs >/dev/null 2>&1; then
        bootwright_found=$(wipefs -n -p "$1" 2>/dev/null | sed -e '/^#/d' -e 's/.*,//' | sort -u | tr '\n' ' ')
    fi
    if [ -z "$bootwright_found" ] && command -v blkid >/dev/null 2>&1; then
        bootwright_found=$(blkid -p "$1" 2>/dev/null | sed 's/^[^:]*: *//' | tr -d '"')
    fi
    # Neither tool knows everything: a disk whose first MiB holds anything but zeros is not empty.
    if [ -z "$bootwright_found" ]; then
        if command -v wc >/dev/null 2>&1; then
            bootwright_bytes=$(dd if="$1" bs=65536 count=16 2>/dev/null | tr -d '\000' | wc -c)
            [ "$bootwright_bytes" -eq 0 ] || bootwright_found="data of no known kind"
        elif command -v tr >/dev/null 2>&1 && command -v head >/dev/null 2>&1; then
            # The initial ramdisks of some images have no wc.
            bootwright_bytes=$(dd if="$1" bs=65536 count=16 2>/dev/null | tr -d '\000' | tr '\n' . | head -c 1)
            [ -z "$bootwright_bytes" ] || bootwright_found="data of no known kind"
        else
            bootwright_found="data that nothing here can look at"
        fi
    fi
    printf %s "${bootwright_found:-empty}"
}

# bootwright_guard DISK
# Success: the disk may be overwritten. Anything else: it must not be touched, and the run has failed.
bootwright_guard() {
    if [ $# -ne 1 ] || [ ! -r "$1" ]; then
        bootwright_refuse "the guard needs exactly one disk that it can read, not: $*"
        return 1
    fi
    bootwright_serial=$(bootwright_disk_serial "$1")
    bootwright_content=$(bootwright_disk_content "$1")
    bootwright_question="stage=guard&serial=$(bootwright_quote "$bootwright_serial")"
    bootwright_question="$bootwright_question&content=$(bootwright_quote "$bootwright_content")"
    bootwright_silent=0
    while [ "$bootwright_silent" -lt 60 ]; do
        bootwright_answer=$(bootwright_get "$bootwright_url/progress?$bootwright_question") || bootwright_answer=
        case $bootwright_answer in
            go)
                return 0
                ;;
            wait*)
                bootwright_silent=0
                ;;
            stop*)
                bootwright_refuse "${bootwright_answer#stop}"
                return 1
                ;;
            *)
                bootwright_silent=$((bootwright_silent + 1))
                ;;
        esac
        sleep 5
    done
    bootwright_refuse "nobody said that disk $bootwright_serial may be overwritten"
    return 1
}

bootwright_refuse() {
    echo "bootwright: $1" >&2
    bootwright_report fail "reason=$1"
}
