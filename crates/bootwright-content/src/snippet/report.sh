bootwright_url={{ run.url | shell }}

# Prints what a URL answers. Installers differ in what they have to fetch with.
bootwright_get() {
    if command -v curl >/dev/null 2>&1; then
        curl -fsS -m 20 "$1"
    elif command -v wget >/dev/null 2>&1; then
        wget -q -O - "$1"
    elif command -v busybox >/dev/null 2>&1; then
        busybox wget -q -O - "$1"
    elif command -v python3 >/dev/null 2>&1; then
        python3 -c 'import sys, urllib.request as u; sys.stdout.write(u.urlopen(sys.argv[1], timeout=20).read().decode())' "$1"
    else
        echo "bootwright: nothing here can fetch a URL" >&2
        return 1
    fi
}

# A text as it may stand in a query; what could end the text becomes a space.
bootwright_quote() {
    printf %s "$1" | tr -c 'A-Za-z0-9._:,/=@-' ' ' | sed 's/  */%20/g'
}

# bootwright_report done|fail|up|progress [NAME=TEXT...]
# Progress is tried once and never stops anybody; the other reports are repeated, since a lost one costs a run.
bootwright_report() {
    bootwright_route=$1
    shift
    bootwright_query=
    for bootwright_pair in "$@"; do
        bootwright_query="$bootwright_query&${bootwright_pair%%=*}=$(bootwright_quote "${bootwright_pair#*=}")"
    done
    bootwright_tries=1
    [ "$bootwright_route" = progress ] || bootwright_tries=12
    while [ "$bootwright_tries" -gt 0 ]; do
        bootwright_get "$bootwright_url/$bootwright_route?${bootwright_query#?}" >/dev/null && return 0
        bootwright_tries=$((bootwright_tries - 1))
        [ "$bootwright_tries" -eq 0 ] || sleep 5
    done
    [ "$bootwright_route" = progress ]
}
