#!/bin/sh
# Builds the experiments, shows this machine, runs them and prints what came
# out. Results, plots and a report are left in results/.
#
# Usage: scripts/reproduce.sh [--full] [--out DIR]
#   --full     all workloads at full size under all arms, a second for each
#              repetition, instead of the quick suite under the four main arms
#   --out DIR  where the results go: a folder that does not exist, or one that
#              this script was interrupted in, which is completed
# The quick suite takes under 5 minutes on 2 CPUs, the first build included.
# Exit status: 0 all went well; 1 something failed; 2 it cannot be done here or
# the arguments are wrong; 130 interrupted.
set -eu

die() {
	echo "reproduce.sh: $*" >&2
	exit 2
}

full=
out=
while [ $# -gt 0 ]; do
	case $1 in
	--full) full=yes ;;
	--out)
		[ $# -ge 2 ] && [ -n "$2" ] || die "--out wants a folder"
		case $2 in /*) out=$2 ;; *) out=$PWD/$2 ;; esac
		shift
		;;
	-h | --help)
		sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
		exit 0
		;;
	*) die "unknown argument '$1' (valid: --full, --out DIR, --help)" ;;
	esac
	shift
done

cd "$(dirname "$0")/.."

# An older Go fetches the one that go.mod names, if it may; then this is 1.26 too.
command -v go >/dev/null || die "Go is not installed: get Go 1.26 or later from https://go.dev/dl/"
version=$(go env GOVERSION 2>&1) || die "need Go 1.26 or later from https://go.dev/dl/; the go command here says: $version"
minor=$(expr "$version" : 'go1\.\([0-9]*\)') || minor=0
[ "$minor" -ge 26 ] || die "need Go 1.26 or later from https://go.dev/dl/; $(command -v go) is $version"

echo "== building with $version"
stamp=auto # the commit goes into the results, if git will tell it
git rev-parse HEAD >/dev/null 2>&1 || stamp=false
go build -buildvcs=$stamp -o bin/experiments ./experiments

echo
echo "== this machine"
bin/experiments topo
bin/experiments doctor || true # says what may spoil the numbers; they are taken all the same

resume=
if [ -z "$out" ]; then
	out=results/$(date +%Y-%m-%d-%H%M%S)
elif [ -e "$out" ]; then
	resume=--resume
fi
echo
echo "== measuring into $out (Ctrl-C keeps what is finished)"
if [ -n "$full" ]; then
	set -- --arm all --workload all
else
	set -- --quick --reps 10 --budget 150s
fi
exec bin/experiments run "$@" --out "$out" $resume
