#!/bin/sh
# Runs the tests that need a kernel with NUMA nodes, on virtual machines of several
# shapes (scripts/numalab.sh). They check that the topology is what QEMU was told,
# that threads run where they are bound, and that pages lie where they belong.
#
# Usage: scripts/numalab-test.sh [--update] [SHAPE...]
#   --update   make the captures in topology/testdata/virtual again
#   SHAPE      only these (see the list below)
# NUMALAB_JOBS machines run at a time (2). 9 minutes on 2 CPUs.
# Exit status: 0 all passed; 1 some failed, and their output is shown; 125 the
# machine cannot be made, and the error says what is missing; 130 interrupted.
set -eu
case ${1:-} in
-h | --help)
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
	exit 0
	;;
esac
root=$(cd "$(dirname "$0")/.." && pwd)
packages="topology numa sched/host experiments/harness" # their tests TestLab... run there

if [ "${1:-}" = --one ]; then # one shape, for xargs below: NAME ARGUMENT...
	name=$2
	shift 2
	begin=$(date +%s)
	log=$LAB_TMP/$name.log
	# The guest says every 10 s that it lives, which no test can keep it from. If it does not
	# for 150 s, the emulator or the guest's kernel stands still, which happens once in many runs.
	# Then the machine is started once more. A test that stands still meets Go's time limit.
	for try in 1 2; do
		status=0
		hangs=
		"$root/scripts/numalab.sh" "$@" --timeout 900s --out "$LAB_TMP/$name" \
			--file "$LAB_TMP/tests" --env "NUMALAB_NAME=$name" \
			-- sh -c 'while sleep 10; do echo the guest lives; done & s=0; for t in tests/*; do $t -test.v -test.run ^TestLab || { s=1; break; }; done; kill $!; exit $s' \
			>"$log" 2>&1 &
		pid=$!
		echo $pid >"$LAB_TMP/$name.pid"
		while kill -0 $pid 2>/dev/null; do
			sleep 2
			if [ $(($(date +%s) - $(stat -c %Y "$log"))) -gt 150 ]; then
				hangs=$(grep -v '^the guest lives' "$log" | tail -n 1)
				hangs=${hangs:-nothing}
				kill $pid 2>/dev/null || true
				break
			fi
		done
		wait $pid || status=$?
		rm "$LAB_TMP/$name.pid"
		[ ! -e "$LAB_TMP/stop" ] || exit 255 # for xargs: no more
		[ "$hangs" ] || break
		echo "note  $name: the guest has not lived for 150 s after: $hangs"
	done
	passed=$(grep -c '^--- PASS' "$log" || true)
	skipped=$(grep -c '^--- SKIP' "$log" || true)
	took=$(($(date +%s) - begin))
	if [ $status -eq 0 ] && [ "$passed" -ge 10 ]; then
		echo "ok    $name: $passed tests passed, $skipped skipped, $took s"
	else
		echo "FAIL  $name: status $status, $passed tests passed, $took s"
		sed '/^the guest lives/d; s/^/      /' "$log"
		: >"$LAB_TMP/failed"
	fi
	exit 0
fi

update=
if [ "${1:-}" = --update ]; then
	update=yes
	shift
fi
command -v go >/dev/null || {
	echo "numalab-test: missing: go 1.26 or later; get it from https://go.dev/dl/" >&2
	exit 125
}
LAB_TMP=$(mktemp -d)
export LAB_TMP
trap 'rm -rf "$LAB_TMP"' EXIT
trap 'exit 130' INT TERM

# A ring whose two directions differ, and a mesh with one far corner.
mkdir "$LAB_TMP/dist"
cat >"$LAB_TMP/dist/asymmetric" <<'END'
10 21 31
28 10 21
21 28 10
END
cat >"$LAB_TMP/dist/irregular" <<'END'
10 16 16 22 24
16 10 22 16 24
16 22 10 16 24
22 16 16 10 32
24 24 24 32 10
END
cat >"$LAB_TMP/shapes" <<END
4nodes --nodes 4 --cpus-per-node 4 --mem-per-node 256M
1node --nodes 1 --cpus-per-node 2 --mem-per-node 512M
2nodes --nodes 2 --cpus-per-node 2 --mem-per-node 256M
8nodes --nodes 8 --cpus-per-node 1 --mem-per-node 192M
asymmetric --nodes 3 --cpus-per-node 2 --mem-per-node 256M --dist $LAB_TMP/dist/asymmetric
irregular --nodes 4 --cpus-per-node 3 --mem-per-node 192M --cpuless-node --dist $LAB_TMP/dist/irregular
memless --nodes 3 --cpus-per-node 2 --mem-per-node 256M --memless-node
cpuless --nodes 2 --cpus-per-node 2 --mem-per-node 256M --cpuless-node
END
if [ $# -gt 0 ]; then
	for name; do
		grep "^$name " "$LAB_TMP/shapes" || {
			echo "numalab-test: no shape $name; there are:" $(cut -d' ' -f1 "$LAB_TMP/shapes") >&2
			exit 2
		}
	done >"$LAB_TMP/chosen"
	mv "$LAB_TMP/chosen" "$LAB_TMP/shapes"
fi

cd "$root"
mkdir "$LAB_TMP/tests"
for pkg in $packages; do
	name=$(echo "$pkg" | tr / -).test
	GOOS=linux GOARCH=amd64 CGO_ENABLED=0 go test -c -ldflags=-s -tags numalab -o "$LAB_TMP/tests/$name" "./$pkg"
done
# The first boot alone: it fetches the kernel and finds out about KVM.
status=0
scripts/numalab.sh --nodes 1 -- true || status=$?
if [ $status -ne 0 ]; then
	echo "numalab-test: no virtual machine, nothing was tested" >&2
	exit $status
fi
# The shape that takes longest is the first, so that it does not run alone at the end.
xargs -P "${NUMALAB_JOBS:-2}" -L 1 "$0" --one <"$LAB_TMP/shapes" &
xargs=$!
trap ': >"$LAB_TMP/stop"; pids=$(cat "$LAB_TMP"/*.pid 2>/dev/null) || :; kill $pids 2>/dev/null || :; kill -HUP $pids 2>/dev/null || :; wait $xargs || :; exit 130' INT TERM
wait $xargs
if [ -e "$LAB_TMP/failed" ]; then
	exit 1
fi
if [ -n "$update" ]; then
	mkdir -p topology/testdata/virtual
	cp "$LAB_TMP"/*/*.json "$LAB_TMP"/*/*.tar.gz topology/testdata/virtual/
	echo "captures in topology/testdata/virtual: $(ls topology/testdata/virtual/*.json | wc -l)"
fi
