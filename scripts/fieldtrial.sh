#!/bin/sh
# Tries the scheduler on your machine, without root: it writes down what the
# simulation predicts for this very machine, then measures, then lays one beside the
# other. On a machine with several NUMA nodes that is the evidence that this project
# lacks. Please run it where nothing else runs, and send the archive.
#
# Usage: scripts/fieldtrial.sh [--minutes N] [--out DIR] [--virtual]
#   --minutes N  about how long it may take (20); 2 to 600
#   --out DIR    the folder for everything (default: results/fieldtrial- and the time)
#   --virtual    this is a virtual NUMA machine: compare locality, never speed
# What it does, in order:
#   doctor.txt   what here spoils measurements
#   machine.tar.gz  CPUs, caches, nodes: numbers from /sys, no names
#   preset.json  what this machine's caches, memory and kernel cost, measured
#   predicted/   simulated on that preset, before any workload is measured
#   measured/    the same workloads, with controls, interleaved
#   index.html   prediction beside measurement
# and DIR.tar.gz with all of it. The archive has no host name, serial number, address
# or user name: the script looks for the first and the last, and makes no archive if
# it finds one. Nothing is sent anywhere.
# Exit status: 0 success; 1 something failed; 2 wrong arguments, or something is
# missing here; 130 interrupted.
set -eu

die() {
	echo "fieldtrial.sh: $*" >&2
	exit 2
}

minutes=20
out=
virtual=
while [ $# -gt 0 ]; do
	case $1 in
	--minutes | --out)
		[ $# -ge 2 ] && [ -n "$2" ] || die "$1 wants a value"
		[ "$1" = --out ] || minutes=$2
		[ "$1" = --minutes ] || out=$2
		shift
		;;
	--virtual) virtual=--virtual ;;
	-h | --help)
		sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
		exit 0
		;;
	*) die "unknown argument '$1' (valid: --minutes N, --out DIR, --virtual, --help)" ;;
	esac
	shift
done
case $minutes in '' | *[!0-9]* | ????*) die "--minutes '$minutes': want a whole number from 2 to 600" ;; esac
[ "$minutes" -ge 2 ] && [ "$minutes" -le 600 ] || die "--minutes '$minutes': want a whole number from 2 to 600"
case $out in '' | /*) ;; *) out=$PWD/$out ;; esac
cd "$(dirname "$0")/.."
out=${out:-$PWD/results/fieldtrial-$(date +%Y-%m-%d-%H%M%S)}
[ ! -e "$out" ] && [ ! -e "$out.tar.gz" ] || die "--out $out: it exists, or its archive does: want a folder that does not"

# EXPERIMENTS may name the program, where there is no Go to build it with.
experiments=${EXPERIMENTS:-}
if [ -z "$experiments" ]; then
	command -v go >/dev/null || die "Go is not installed: get Go 1.26 or later from https://go.dev/dl/"
	echo "== building"
	stamp=auto
	git rev-parse HEAD >/dev/null 2>&1 || stamp=false
	go build -buildvcs=$stamp -o bin/experiments ./experiments
	experiments=$PWD/bin/experiments
fi
mkdir -p "$out"
cd "$out" # so that no path is in any command line that results keep
begin=$(date +%s)
say() { printf '\n== %s min: %s\n' $((($(date +%s) - begin) / 60)) "$*"; }

say "what here spoils measurements"
"$experiments" doctor | tee doctor.txt
nodes=0
for list in /sys/devices/system/node/node[0-9]*/cpulist; do
	[ ! -s "$list" ] || [ -z "$(tr -d '\n' <"$list")" ] || nodes=$((nodes + 1))
done
[ "$nodes" -ge 2 ] || cat <<-'END'

	This machine has one NUMA node. The trial shows what the scheduler costs here. It
	can show nothing about locality.
END

say "this machine's shape"
"$experiments" capture machine.tar.gz

say "measuring this machine's constants (about a minute)"
"$experiments" calibrate --out preset.json >calibration.txt

# Streams over homed arrays must not fit the caches: four times all L3s, 24 bytes an
# element. But few CPUs take long to fill much memory: 2 million elements each at most.
l3=$(for c in /sys/devices/system/cpu/cpu[0-9]*/cache/index3; do
	[ ! -r "$c/size" ] || echo "$(cat "$c/shared_cpu_list") $(cat "$c/size")"
done | sort -u | awk '{ sub("K", "", $2); sum += $2 } END { print int(sum) }')
most=$(($(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) * 2097152))
[ $most -ge 8388608 ] || most=8388608
[ $most -le 134217728 ] || most=134217728
n=$((l3 * 1024 * 4 / 24))
[ $n -ge 8388608 ] || n=8388608
[ $n -le $most ] || n=$most
[ -z "$virtual" ] || n=1048576 # its CPUs are slow, and its caches are made up
[ -n "$virtual" ] || [ $((n * 24)) -ge $((l3 * 2048)) ] || cat <<-END

	The arrays have $((n * 24 / 1048576)) MB, and the caches $((l3 / 1024)) MB: much of what follows stays in the caches.
END
side=1024 # of the plate of heat, two of which have about as many bytes
while [ $((side * side * 16)) -lt $((n * 24)) ]; do side=$((side + 256)); done
loads=triad:n=$n,heat:n=$side:rows=8:sweeps=2,fib:n=24,uts:depth=7,wakestorm,kvserve:n=500
reps=8
[ "$minutes" -ge 10 ] || reps=4 # each has memory of its own to fill
if [ -n "$virtual" ]; then # what shows locality
	loads=triad:n=$n,heat:n=$side:rows=8:sweeps=2,kvserve:n=100
	reps=3
fi
# What people have today, the full design, and the controls.
arms=flat,flat+onenode,interleave,static,numa,numa-wrongmap,numa-randommap

# On a host flat and its kin have no lock such as Go's, so they have none in the prediction.
say "writing down what the simulation predicts for it"
"$experiments" sim --nolock --preset preset.json --arm $arms --workload $loads --procs all --full --out predicted >predicted.txt
digest() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
digest preset.json predicted/results.txt | tee predicted.sha256

left=$((minutes * 60 - ($(date +%s) - begin)))
[ $left -ge 30 ] || left=30
say "measuring for about $((left / 60)) min $((left % 60)) s"
"$experiments" run --arm $arms,goroutine --workload $loads --reps $reps --budget ${left}s $virtual --out measured >measured.txt

say "prediction beside measurement"
"$experiments" beside predicted measured --page index.html | tee beside.txt

# The archive: numbers alone.
found=
for name in "$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)" "$(id -un)" "${HOME:-}"; do
	case $name in '' | / | root | localhost | ? | ?? | ???) continue ;; esac
	if grep -rlwF -- "$name" . >/dev/null 2>&1; then
		grep -rnwF -- "$name" . | cut -c1-160 | head -n 5 >&2
		found="$found '$name'"
	fi
done
if [ -n "$found" ]; then
	echo "fieldtrial.sh: there is no archive: the lines above hold$found, this machine's or your name. Everything is in $out" >&2
	exit 1
fi
cd ..
tar --owner=0 --group=0 --numeric-owner -czf "$out.tar.gz" "$(basename "$out")" 2>/dev/null ||
	tar -czf "$out.tar.gz" "$(basename "$out")"
echo
echo "page:    $out/index.html"
echo "archive: $out.tar.gz"
