{% include "bootwright/report.sh" %}

mkdir -p -m 700 /target/root/.ssh
{% for key in metadata.ssh_keys | default([]) %}
echo {{ key | shell }} >>/target/root/.ssh/authorized_keys
{% endfor %}

# The installed system says once that it is up, which proves that the machine starts from its disk.
cat >/target/etc/systemd/system/bootwright-up.service <<'END'
[Unit]
Description=Report that this system is up
Wants=network-online.target
After=network-online.target
ConditionPathExists=!/var/lib/bootwright-up

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'wget -q -O /dev/null {{ run.url }}/up && touch /var/lib/bootwright-up'
Restart=on-failure
RestartSec=30

[Install]
WantedBy=multi-user.target
END
in-target systemctl enable bootwright-up.service

bootwright_report done
