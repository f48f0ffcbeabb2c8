#!/bin/bash
# Runs Go's own tests with the NUMA-aware runtime and writes a table.
#
#   sched/goruntime/gotests.sh [--quick] [--out FILE] [MODE...]
#
# A MODE is a value of GONUMA, or "stock" for the go command alone. Without any: stock, off,
# on, confine, 2 and 4. --quick takes the packages that need seconds each. A cell is "ok" and
# seconds, or FAIL and the names of the tests that failed. The exit status is 1 if a test
# fails that passes in stock.
set -u
cd "$(dirname "$0")/../.."

quick=sync\ sync/atomic\ context\ testing/synctest\ os/signal\ internal/trace
all="$quick time os os/exec net net/http runtime runtime/debug runtime/metrics runtime/pprof runtime/trace"
packages=$all out=/dev/stdout
while [ $# -gt 0 ]; do
	case $1 in
	--quick) packages=$quick ;;
	--out) out=$2; shift ;;
	-*) echo "gotests: unexpected $1; want --quick, --out FILE, then modes" >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
modes=${*:-stock off on confine 2 4}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/numago" ./sched/goruntime/numago || exit 1
root=$(go env GOROOT) release=$(go env GOVERSION)
overlay=$("$work/numago" env NUMAGO_OVERLAY) || exit 1

compile() { # PACKAGE KIND: the test program of a package
	local flag=()
	[ "$2" = stock ] || flag=(-overlay="$overlay")
	mkdir -p "$work/$1"
	[ -x "$work/$1/$2.test" ] || (cd "$root/src" && go test -c "${flag[@]}" -o "$work/$1/$2.test" "$1")
}

one() { # PACKAGE MODE: prints a cell
	local kind=numa flags="${GOFLAGS:-} -overlay=$overlay" gonuma=$2 start=$SECONDS log="$work/log"
	[ "$2" != stock ] || { kind=stock flags=${GOFLAGS:-} gonuma=; }
	compile "$1" $kind || { echo "does not build"; return; }
	# Tests that build programs get the overlay too.
	if (cd "$root/src/$1" && GONUMA=$gonuma GOFLAGS=$flags timeout 1500 "$work/$1/$kind.test" -test.short -test.timeout 20m >"$log" 2>&1); then
		echo "ok $((SECONDS - start)) s"
	else
		echo "FAIL $(grep -o -- '^--- FAIL: [^ ]*' "$log" | cut -d' ' -f3 | tr '\n' ' ')"
		cp "$log" "${TMPDIR:-/tmp}/gotests-$(echo "$1" | tr / -)-$2.log"
	fi
}

status=0
{
	echo "# Go's own tests (\`-short\`) with the NUMA-aware runtime"
	echo
	echo "$release, $(nproc) CPUs, $(date -u +%F), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown). Columns are values of GONUMA."
	echo "A test that fails in column stock fails without us."
	echo
	echo "| package |$(printf ' %s |' $modes)"
	echo "|---|$(for m in $modes; do printf -- '---|'; done)"
} >"$work/table"
for p in $packages; do
	row="| $p |" stock=
	for m in $modes; do
		cell=$(one "$p" "$m")
		echo "gotests: $p, $m: $cell" >&2
		row="$row $cell |"
		[ "$m" != stock ] || stock=$cell
		case $cell in
		ok*) ;;
		*) [ "$m" = stock ] || [ "${cell#FAIL }" = "${stock#FAIL }" ] || status=1 ;;
		esac
	done
	echo "$row" >>"$work/table"
done
cat "$work/table" >"$out"
exit $status
