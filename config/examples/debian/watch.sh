{% include "bootwright/report.sh" %}

# Runs beside Debian's installer, which calls nobody: it reports what the installer writes down about itself. A step that
# has failed ends the run; the installer would wait in front of a dialog.
log=${1:-/var/log/syslog} part=
until [ -r "$log" ]; do
    sleep 2
done
while :; do
    while read -r line; do
        line=$part$line part=
        case $line in
            *"Menu item '"*"' selected"*)
                step=${line##*"Menu item '"}
                bootwright_report progress "stage=${step%%"'"*}" "message=the installer is at ${step%%"'"*}"
                ;;
            *"Configuring '"*"' failed with error code"*)
                bootwright_report fail "reason=${line##*Configuring }"
                ;;
            *"choose-mirror["*"mirror does not support "*)
                bootwright_report fail "reason=${line##*WARNING \*\*: }"
                ;;
        esac
    done
    # The end of the file may be in the middle of a line.
    part=$part$line
    sleep 2
done <"$log"
