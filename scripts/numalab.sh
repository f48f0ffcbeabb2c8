#!/bin/sh
# Runs a command on a virtual NUMA machine; --help tells more.
# This builds scripts/numalab for the host and for the guest, and hands over.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
command -v go >/dev/null || { echo "numalab: missing: go 1.26 or later; get it from https://go.dev/dl/" >&2; exit 125; }
bin=${XDG_CACHE_HOME:-$HOME/.cache}/numasched/bin
mkdir -p "$bin"
# Build beside and rename: another numalab may be running the old one.
new=$bin/.new.$$
trap 'rm -f "$new" "$new-guest"' EXIT
(cd "$root" && CGO_ENABLED=0 go build -o "$new" ./scripts/numalab &&
	GOOS=linux GOARCH=amd64 CGO_ENABLED=0 go build -ldflags=-s -o "$new-guest" ./scripts/numalab) || exit 125
mv -f "$new-guest" "$bin/numalab-guest"
mv -f "$new" "$bin/numalab"
trap - EXIT
exec "$bin/numalab" "$@"
