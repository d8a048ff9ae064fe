#!/bin/sh
# Called by udhcpc with the lease in the environment.
case "$1" in
    deconfig) ip address flush dev "$interface" ;;
    bound | renew)
        ip address add "$ip/${mask:-24}" dev "$interface"
        # Only a segment behind a relay has a way out: to the segment where the servers are.
        [ -z "$router" ] || ip route add default via "${router%% *}"
        ;;
esac
