#!/bin/sh
# Starts Temporal with the password from its file; the image itself knows variables only.
set -eu
POSTGRES_PWD="$(cat /run/secrets/temporal-password)"
export POSTGRES_PWD
exec /etc/temporal/entrypoint.sh
