#!/bin/sh
# Makes the namespace `default`, unless it is there. Closed workflows stay readable for a week; the
# audit log keeps what happened for good.
set -eu
host="${TEMPORAL_ADDRESS%:*}"
port="${TEMPORAL_ADDRESS##*:}"

# By its number: for a name the tool asks for a TXT record first, which a network without a way out
# answers only when it gives up.
namespace() {
  address="$(getent hosts "$host" | awk '{ print $1; exit }')"
  temporal operator namespace "$@" --namespace default --address "$address:$port"
}

# A server that listens may not serve yet, so it is asked again.
attempts=60
until namespace describe >/dev/null 2>&1 || namespace create --retention 168h; do
  attempts=$((attempts - 1))
  [ "$attempts" -gt 0 ] || exit 1
  sleep 2
done
