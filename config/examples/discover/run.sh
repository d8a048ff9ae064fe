{% include "bootwright/discover.sh" %}

if bootwright_discover; then
    bootwright_report done
else
    bootwright_report fail "reason=what the machine is made of could not be reported"
    exit 1
fi
