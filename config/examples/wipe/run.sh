{% include "bootwright/wipe.sh" %}
{% include "bootwright/discover.sh" %}

{% if metadata.disk is defined %}
set -- {{ metadata.disk | shell }}
{% else %}
set -- $(bootwright_disks | sed 's,^,/dev/,')
{% if metadata.wipe | default("") != "all" %}
[ $# -eq 1 ] || {
    bootwright_refuse "there are $# disks; name one in metadata.disk, or set metadata.wipe to all"
    exit 1
}
{% endif %}
{% endif %}
bootwright_wipe "$@" || exit 1
# What is known of its disks is so no more.
bootwright_discover || true
bootwright_report done
