{% include "bootwright/guard.sh" %}

# The disk that the host's metadata names, else the only one there is: of several the guard lets none pass.
{% if metadata.disk is defined %}
set -- {{ metadata.disk | shell }}
{% else %}
set -- $(lsblk -d -n -p -o NAME,TYPE | awk '$2 == "disk" { print $1 }')
{% endif %}
bootwright_guard "$@" || exit 1
bootwright_report progress stage=write

cd /run && bootwright_get "$bootwright_url/target.ign" >target.ign || exit 1
if flatcar-install -d "$1" -C stable -V {{ metadata.version | default("4230.2.3") | shell }} \
    -b {{ server.url }}/images/flatcar -i target.ign; then
    bootwright_report done
else
    bootwright_report fail "reason=flatcar-install failed"
fi
systemctl reboot
