#!/bin/sh
# Builds the experiments, shows this machine, measures on it, simulates other
# machines, and prints the results, those of this machine last. Results, plots and
# reports stay in results/.
#
# Usage: scripts/reproduce.sh [--full] [--out DIR [--resume]]
#        scripts/reproduce.sh --verify
#   --full     all workloads at full size under all arms, one second for each
#              repetition, and larger simulated machines; without it, the quick
#              suite under the four main arms
#   --out DIR  the folder for the results. If it exists, it must be of an
#              interrupted run of this script, which is completed. The results of
#              simulated machines go to DIR/simulated
#   --resume   DIR must exist
#   --verify   only simulate again what is in results/reference-sim-*, and compare
#              every byte
# On 2 idle CPUs this takes about 6 minutes with the first build: 2.5 for the
# measurements, and the rest mostly for simulations, which use 500 s of CPU time and
# take longer if other programs run. --verify uses about twice as much CPU time, and up to
# 30 minutes more for the claim table, in results/reference-sim-claims. --full takes
# hours.
# Exit status: 0 success; 1 something failed; 2 wrong arguments, or something is
# missing here; 130 interrupted.
set -eu

die() {
	echo "reproduce.sh: $*" >&2
	exit 2
}

full=
out=
verify=
resume=
while [ $# -gt 0 ]; do
	case $1 in
	--full) full=yes ;;
	--verify) verify=yes ;;
	--resume) resume=--resume ;;
	--out)
		[ $# -ge 2 ] && [ -n "$2" ] || die "--out wants a folder"
		case $2 in /*) out=$2 ;; *) out=$PWD/$2 ;; esac
		shift
		;;
	-h | --help)
		sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
		exit 0
		;;
	*) die "unknown argument '$1' (valid: --full, --out DIR, --resume, --verify, --help)" ;;
	esac
	shift
done

[ -z "$verify" ] || [ -z "$full$out$resume" ] || die "--verify excludes --full, --out and --resume"
[ -z "$resume" ] || [ -n "$out" ] || die "--resume wants --out DIR as well, the folder to complete"
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

if [ -n "$verify" ]; then
	status=0
	for dir in results/reference-sim-*; do
		echo
		echo "== $dir"
		bin/experiments sim --verify "$dir" || status=1
	done
	exit $status
fi

echo
echo "== this machine"
bin/experiments topo
bin/experiments doctor || true # what may spoil the numbers; the run goes on all the same

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
	set -- --quick --reps 10 --budget 120s
fi
trap : INT # the commands keep what is finished, and go_on says how to continue
go_on() { # STATUS
	[ "$1" -eq 130 ] || return 0
	case $out in /*) dir=$out ;; *) dir=$PWD/$out ;; esac
	quoted=$(printf %s "$dir" | sed "s/'/'\\\\''/g")
	echo "reproduce.sh: to go on: $0${full:+ --full} --out '$quoted' --resume" >&2
}
bin/experiments run "$@" --out "$out" $resume >/dev/null || { # its tables come last
	status=$?
	go_on $status
	exit $status
}

# Simulated machines of 2, 4, 4, 8 and 8 nodes, with data that does not fit into
# their caches. An earlier sweep is deleted and made again: it always gives the same.
machines=skx-2x8180,bdw-2x2680v4-cod,snb-4s-ring,opteron-4x6276,spr-2x8468-snc4
# A smaller fib is over before most CPUs have work.
loads=triad:n=25165824,heat:n=6144:rows=8:sweeps=2,fib:n=24,uts:depth=7
if [ -n "$full" ]; then
	machines=$machines,kunpeng-920,rome-2x7742-nps4,skx-8s
	loads=triad:n=67108864,heat:n=8192:rows=8:sweeps=4,fib:n=28,uts:depth=8
fi
echo
echo "== simulating into $out/simulated"
rm -rf "$out/simulated"
status=0
bin/experiments sim --preset $machines --arm gm,flat,flat+firsttouch,interleave,static,numa,numa-near,numa-wrongmap --workload $loads \
	--procs 1/8,1/4,1/2,all --out "$out/simulated" || status=$?

echo
echo "== measured on this machine"
bin/experiments report "$out"
echo
echo "report of this machine:       $out/index.html"
[ ! -e "$out/simulated/index.html" ] || echo "report of simulated machines: $out/simulated/index.html"
go_on $status
exit $status
