# Writes the nonce of this run into the sector that the disk's boot code prints.
nonce={{ host.name }}.{{ run.number }}.{{ run.token }}
printf 'nonce=%s\n%512s' "$nonce" '' | tr ' ' '\n' | dd of="$DISK" bs=512 count=1 seek=NONCE_SECTOR iflag=fullblock conv=notrunc,fsync 2>/dev/null
echo "lab-installer: post-install wrote nonce=$nonce"
