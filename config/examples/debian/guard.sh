{% include "bootwright/guard.sh" %}

# The disk that the host's metadata names, else the only one there is: of several the guard lets none pass.
{% if metadata.disk is defined %}
set -- {{ metadata.disk | shell }}
{% else %}
set -- $(list-devices disk)
{% endif %}
bootwright_guard "$@" || exit 1
bootwright_report progress stage=partition
debconf-set partman-auto/disk "$(readlink -f "$1")"
