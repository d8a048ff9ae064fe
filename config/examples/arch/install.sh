#!/bin/sh
{% include "bootwright/guard.sh" %}

disk={{ metadata.disk | default("/dev/sda") | shell }}
bootwright_guard "$disk" || exit 1
trap 'bootwright_report fail "reason=the installer has failed at: $step"' EXIT
set -e
step=partitions
bootwright_report progress stage=partitions pct=5
disk=$(readlink -f "$disk")
wipefs -a "$disk"
sfdisk "$disk" <<'END'
label: gpt
size=1MiB, type=21686148-6449-6E6F-744E-656564454649
size=512MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709
END
udevadm settle
set -- $(lsblk -lnpo NAME,TYPE "$disk" | awk '$2 == "part" { print $1 }')
mkfs.fat -F 32 "$2"
mkfs.ext4 -q -F "$3"
mount "$3" /mnt
mount --mkdir "$2" /mnt/boot

step=packages
bootwright_report progress stage=packages pct=15
echo {{ ("Server = " ~ (metadata.mirror | default("http://mirror.example.net/archlinux")) ~ "/$repo/os/$arch") | shell }} >/etc/pacman.d/mirrorlist
pacstrap -K /mnt base linux linux-firmware grub efibootmgr openssh curl
genfstab -U /mnt >>/mnt/etc/fstab

step=settings
bootwright_report progress stage=settings pct=80
echo {{ host.name | shell }} >/mnt/etc/hostname
printf '[Match]\nType=ether\n[Network]\nDHCP=yes\n' >/mnt/etc/systemd/network/20-wired.network
mkdir -p -m 700 /mnt/root/.ssh
{% for key in metadata.ssh_keys | default([]) %}
echo {{ key | shell }} >>/mnt/root/.ssh/authorized_keys
{% endfor %}
cat >/mnt/etc/systemd/system/bootwright-up.service <<'END'
[Unit]
Description=Report that this system is up
Wants=network-online.target
After=network-online.target
ConditionPathExists=!/var/lib/bootwright-up

[Service]
Type=oneshot
ExecStart=/usr/bin/curl -fsS -m 20 --retry 10 --retry-connrefused {{ run.url }}/up
ExecStart=/usr/bin/touch /var/lib/bootwright-up

[Install]
WantedBy=multi-user.target
END
arch-chroot /mnt systemctl enable systemd-networkd systemd-resolved sshd bootwright-up

step='boot loader'
if [ -d /sys/firmware/efi ]; then
    arch-chroot /mnt grub-install --target=x86_64-efi --efi-directory=/boot --removable
else
    arch-chroot /mnt grub-install --target=i386-pc "$disk"
fi
arch-chroot /mnt grub-mkconfig -o /boot/grub/grub.cfg
umount -R /mnt
trap - EXIT
bootwright_report done
reboot
