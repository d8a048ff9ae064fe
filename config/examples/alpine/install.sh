{% include "bootwright/guard.sh" %}

disk={{ metadata.disk | default("/dev/sda") | shell }}
bootwright_guard "$disk" || exit 1
bootwright_get {{ run.url }}/answers >/tmp/answers
# The guard has let this disk pass, and no other.
export ERASE_DISKS="$(readlink -f "$disk")"
bootwright_report progress stage=setup-alpine pct=10
if setup-alpine -e -f /tmp/answers; then
    bootwright_report done
else
    bootwright_report fail "reason=setup-alpine has failed"
    exit 1
fi
reboot
