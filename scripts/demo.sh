#!/usr/bin/env bash
# The demo of the README: a module bootstraps, is sealed, and beats once in 24 hours.
# Time is virtual, so the 24 hours pass at once. Needs nothing but bash and the built program.
set -euo pipefail
cd "$(dirname "$0")/.."

vsara=${VSARA_BIN:-target/release/vsara}
[[ -x $vsara ]] || cargo build --release --locked
state=$(mktemp -d)
trap 'kill "${modem:-}" 2>/dev/null || true; wait; rm -rf "$state"' EXIT

bold= plain=
[[ ! -t 1 ]] || bold=$'\033[1m' plain=$'\033[0m'

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
vsara() { printf '$ vsara %s\n' "$*"; "$vsara" "$@"; }

# Sends a command line and prints what comes back up to the final result code, which it leaves
# in $final.
at() {
    local line
    printf '%s\r' "$1" >&3
    final=
    while [[ ! $final =~ ^(OK|ERROR|\+CME\ ERROR:.*)$ ]]; do
        IFS= read -r -t 30 -u 3 line || { echo "no answer to $1" >&2; exit 1; }
        final=${line//$'\r'/}
        [[ -z $final ]] || printf '  %s\n' "$final"
    done
}

say 'A SARA-R510S on a pseudo-terminal, with a security service inside'
printf '$ vsara --time virtual\n'
"$vsara" modem --state "$state" --time virtual --log error >"$state.ready" &
modem=$!
for _ in {1..100}; do [[ -s $state.ready ]] && break; sleep 0.05; done
cat "$state.ready"
rm -f "$state.ready"
exec 3<>"$state/tty"

say 'Who it is'
at 'ATI'
at 'AT+USECROTUID'

say 'It has bootstrapped by itself'
at 'AT+CMEE=2'
for _ in {1..100}; do
    at 'AT+USECDEVINFO?'
    [[ $final != OK ]] || break
    sleep 0.1
done

say 'Seal it: the device becomes yours'
at 'AT+USECDEVINFO="AgbCtixjwqLjwV3VWpfPyz","my-first-device"'
sleep 0.5
at 'AT+USECDEVINFO?'

say 'One heartbeat in 24 hours: the second is refused'
at 'AT+USECCONN'
at 'AT+USECCONN'

say '24 hours later'
vsara ctl --state "$state" time advance 24h
at 'AT+USECCONN'

say 'What the service has noted'
printf '$ vsara ctl events | grep -v " module "\n'
"$vsara" ctl --state "$state" events | grep -v ' module '
