{% include "bootwright/guard.sh" %}

# Agama writes nothing before it is told to install.
bootwright_guard {{ metadata.disk | default("/dev/sda") | shell }} || exit 1
bootwright_get {{ run.url }}/profile.json >/tmp/profile.json
bootwright_report progress stage=configure pct=5
if agama config load /tmp/profile.json && bootwright_report progress stage=install pct=10 && agama install; then
    bootwright_report done
else
    bootwright_report fail "reason=agama has failed"
    exit 1
fi
