{% include "bootwright/guard.sh" %}
bootwright_guard {{ metadata.disk | default("/dev/sda") | shell }}
