{% include "bootwright/guard.sh" %}

disk={{ metadata.disk | default("/dev/sda") | shell }}
bootwright_guard "$disk" || exit 1
trap 'bootwright_report fail "reason=the installer has failed"' EXIT
set -e
bootwright_report progress pct=5
parted -s "$disk" mklabel gpt mkpart ESP fat32 1MiB 512MiB set 1 esp on mkpart root ext4 512MiB 100%
udevadm settle
boot=$(lsblk -lnpo NAME "$disk" | sed -n 2p) root=$(lsblk -lnpo NAME "$disk" | sed -n 3p)
mkfs.fat -F 32 -n ESP "$boot"
mkfs.ext4 -q -F -L nixos "$root"
mount "$root" /mnt
mkdir -p /mnt/boot
mount "$boot" /mnt/boot
nixos-generate-config --root /mnt
bootwright_get {{ run.url }}/configuration.nix >/mnt/etc/nixos/configuration.nix
nixos-install --no-root-passwd
trap - EXIT
bootwright_report done
reboot
