#!/bin/sh
# Makes what docker-compose.yml needs and nobody else may have: .env and deploy/secrets/. Run it once, as
# root, on the host. Never replaces a file that is there.
#
#   sh deploy/prepare.sh warder.example.com
set -eu
umask 077
host="${1:?usage: sh deploy/prepare.sh HOST, the name that callers connect to}"
cd "$(dirname "$0")/.."
mkdir -p deploy/secrets

# make NAME COMMAND…: the command's output becomes the file NAME, unless that is there.
make() {
  file="deploy/secrets/$1"
  shift
  [ -e "$file" ] || "$@" >"$file"
}
password() { openssl rand -hex 24; }
database_url() {
  echo "postgres://warder:$(cat deploy/secrets/store-password)@store:5432/warder"
}

make encryption-key openssl rand -base64 32
make store-password password
make temporal-password password
make orders-password password
make database-url database_url

# certificate NAME HOST: a key and a certificate, signed by the trial authority.
certificate() {
  ec='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  # shellcheck disable=SC2086 # options, not one word
  openssl req $ec -subj "/CN=$2" -keyout "$made/$1.key" -out "$made/request" 2>/dev/null
  printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n' "$2" >"$made/extensions"
  openssl x509 -req -in "$made/request" -CA "$made/authority.pem" -CAkey "$made/authority.key" \
    -CAcreateserial -days 397 -extfile "$made/extensions" -out "$made/$1.pem" 2>/dev/null
  cp "$made/$1.key" "deploy/secrets/$1-key"
  cp "$made/$1.pem" "deploy/secrets/$1-certificate"
}

# An authority to try things out with; its own key is thrown away when it has signed what it has to.
if [ ! -e deploy/authority.pem ]; then
  made="$(mktemp -d)"
  trap 'rm -rf "$made"' EXIT
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 397 \
    -subj '/CN=Warder trial authority' -addext 'keyUsage=critical,keyCertSign' \
    -keyout "$made/authority.key" -out "$made/authority.pem" 2>/dev/null
  [ -e deploy/secrets/sample-target-certificate ] || certificate sample-target sample-target
  if [ ! -e deploy/secrets/tls-certificate ]; then
    certificate tls "$host"
    echo "Made a trial certificate for $host; callers verify it with deploy/authority.pem."
  fi
  cp "$made/authority.pem" deploy/authority.pem
  chmod 0644 deploy/authority.pem
fi

# The containers' user is 10001; docker mounts the files with the owner that they have here.
chown -R 0:10001 deploy/secrets
chmod 0750 deploy/secrets
chmod 0640 deploy/secrets/*

if [ ! -e .env ]; then
  printf 'WARDER_HOST=%s\n' "$host" >.env
  chmod 0644 .env
fi
echo 'Ready: deploy/secrets/ holds the only copies of these keys; back them up.'
