#!/bin/bash
# Runs Go's own tests with the NUMA-aware runtime and writes a table.
#
#   sched/goruntime/gotests.sh [--quick] [--only REGEXP] [--work DIR [--table]] [--through CMD] [--out FILE] [MODE...]
#
# A MODE is a value of GONUMA, or "stock" for the go command alone. Without any: stock, off,
# on, confine, 2, 4 and 2,heap. A cell is "ok" and seconds, or FAIL and the names of the tests that
# failed. The exit status is 1 if a test fails that passes in stock, or if a cell was not run. Some of Go's tests want
# a quiet machine: a test that fails is tried again by itself, twice, and the cell of one
# that passes then says so.
#
#   --quick        the rows that need seconds each
#   --only REGEXP  the rows whose names match
#   --work DIR     keeps programs and cells there, and does only what is missing. A cell is
#                  that of one overlay: with another one it is done again
#   --table        runs nothing: a cell that is missing is a dash
#   --through CMD  runs each cell by this command, such as "nice -n 10"
#
# The cells of package runtime take minutes. Each is run in pieces, so that the command that
# runs it can have a limit. A piece that is there is not run again.
#
# A row is a package ("go test -short"), or one of these:
#   race:P      the package under the race detector
#   lockrank:P  the package with GOEXPERIMENT=staticlockranking
#   test:PART   the programs of GOROOT/test that exercise a part, each compared with its .out
set -u
case ${1:-} in -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;; esac
cd "$(dirname "$0")/../.."

quick=sync\ sync/atomic\ context\ testing/synctest\ os/signal\ internal/trace
all="$quick time os os/exec net net/http runtime runtime/cgo runtime/debug runtime/metrics runtime/pprof runtime/trace
	test:chan test:select test:goroutine test:defer test:gc test:map
	race:sync race:sync/atomic race:context race:time race:runtime lockrank:sync lockrank:runtime"
rows=$all only=. out= through= tableonly=
while [ $# -gt 0 ]; do
	case $1 in --only | --work | --through | --out) [ -n "${2:-}" ] || { echo "gotests: $1 wants a value" >&2; exit 2; } ;; esac
	case $1 in
	--cell) break ;; # of this script's own: a cell, below "through"
	--quick) rows=$quick ;;
	--only) only=$2; shift ;;
	--work) mkdir -p "$2" && work=$(cd "$2" && pwd) || exit 2; shift ;;
	--through) through=$2; shift ;;
	--table) tableonly=yes ;;
	--out) out=$2; shift ;;
	-*) echo "gotests: unexpected $1; want --quick, --only REGEXP, --work DIR, --table, --through CMD, --out FILE, then modes" >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
[ "${1:-}" = --cell ] || modes=${*:-stock off on confine 2 4 2,heap}
. sched/goruntime/modes.sh
check_modes gotests ${modes:-}

# pieces ROW is the number of pieces that the tests of a row are dealt to.
pieces() {
	case $1 in runtime | lockrank:runtime) echo 6 ;; race:runtime) echo 4 ;; *) echo 1 ;; esac
}

# cell ROW MODE KIND PIECE does a piece of a cell. PIECE counts from 0.
cell() {
	local row=$1 mode=$2 kind=$3 piece=$4 part=${1#*:} gonuma=$2 flags=() list='' failed='' n=0
	local log="$work/$kind/${row//\//-}-$mode.$piece.log"
	[ "$mode" = stock ] && gonuma='' || flags=(-overlay="$overlay")
	export GONUMA=
	case $row in
	race:*) flags+=(-race) ;;
	lockrank:*) export GOEXPERIMENT=staticlockranking ;;
	test:chan) list='chan/*.go chancap.go closedchan.go' ;;
	test:select) list='chan/*select*.go' ;;
	test:goroutine) list='chan/goroutines.go peano.go sieve.go stack*.go initloop.go fixedbugs/issue9110.go fixedbugs/issue9321.go' ;;
	test:defer) list='defer*.go recover*.go deferfin.go' ;;
	test:gc) list='gc*.go mallocfin.go finprofiled.go tinyfin.go heapsampling.go escape.go' ;;
	test:map) list='map*.go bigmap.go range*.go' ;;
	esac
	: >"$log"
	if [ -n "$list" ]; then
		cd "$root/test" || exit 1
		for f in $list; do
			head -1 "$f" 2>/dev/null | grep -qx '// run' || continue
			n=$((n + 1))
			if ! go build "${flags[@]}" -o "$work/$kind/program" "$f" >>"$log" 2>&1 ||
				! GONUMA=$gonuma timeout 120 "$work/$kind/program" >"$work/$kind/output" 2>&1 ||
				{ [ -f "${f%.go}.out" ] && ! diff "$work/$kind/output" "${f%.go}.out" >>"$log"; }; then
				failed="$failed $f"
			fi
		done
		[ "$n" -gt 0 ] || failed=" no program of this name"
		[ -n "$failed" ] && echo "FAIL$failed" || echo "ok $n programs"
		return
	fi
	local program="$work/$kind/${row//\//-}.test"
	cd "$root/src/$part" || exit 1
	[ -x "$program" ] || go test -c "${flags[@]}" -o "$program" . >>"$log" 2>&1 || { echo "FAIL: does not build"; return; }
	local start=$SECONDS
	# The race detector takes a slice of runtime.
	local slice=() names=.
	[ "$row" != race:runtime ] || names='^Test(Chan|Select|Goroutine|Stop|GoroutineProfile|Yield|Lock|RWMutex|Timer|Netpoll|Finalizer|Cleanup|SyncMap|Defer|Park)'
	if [ "$(pieces "$row")" != 1 ]; then
		names=$(GONUMA=off "$program" -test.list "$names" | grep -E '^(Test|Example|Fuzz)' |
			awk -v n="$(pieces "$row")" -v i="$piece" 'NR % n == i' | paste -sd'|')
		[ -n "$names" ] || { echo "FAIL: no test of this name"; return; }
		slice=(-test.run "^($names)\$")
	fi
	# Tests that build programs get the overlay too.
	local status crash again='' try
	for try in 1 2 3; do
		status=0
		GONUMA=$gonuma GOFLAGS="$(go env GOFLAGS) ${flags[*]}" timeout 1500 "$program" -test.short -test.timeout 20m "${slice[@]}" >"$log.try" 2>&1 || status=$?
		cat "$log.try" >>"$log"
		[ $status != 0 ] || break
		# A crash is named beside the tests that fail: stock may fail them, too.
		failed=$(grep -o -- '^--- FAIL: [^ ]*' "$log.try" | cut -d' ' -f3 | sort -u | tr '\n' ' ')
		crash=$(grep -m1 -oE '^(fatal error|panic|signal)' "$log.try" | tr ' ' -)
		[ $status != 124 ] || crash="$crash timeout"
		[ -n "$failed" ] && [ -z "$crash" ] || break
		again=$failed
		slice=(-test.run "^($(echo $failed | tr ' ' '|'))\$")
	done
	rm -f "$log.try"
	if [ $status = 0 ]; then
		echo "ok $((SECONDS - start)) s${again:+, at another try ${again% }}"
	else
		echo "FAIL ${failed}${crash:-exit-status-$status}"
	fi
}
if [ "${1:-}" = --cell ]; then
	cell "$2" "$3" "$4" "$5"
	exit
fi
rows=$(for r in $rows; do echo "$r"; done | grep -E -- "$only") || { echo "gotests: --only $only: no row has such a name" >&2; exit 2; }

if [ -z "${work:-}" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
go build -o "$work/numago" ./sched/goruntime/numago || exit 1
root=$(go env GOROOT) release=$(go env GOVERSION)
overlay=$("$work/numago" env NUMAGO_OVERLAY) || exit 1
export root overlay work
key=$(basename "$(dirname "$overlay")")

# kind is the part of a cell's name that tells which runtime it has.
kind() { [ "$1" = stock ] && echo "$release" || echo "$key"; }

# whole ROW MODE KIND does what is missing of a cell, and puts its pieces together.
whole() {
	local file i n
	n=$(pieces "$1")
	for ((i = 0; i < n; i++)); do
		file="$work/$3/${1//\//-}-$2.$i.cell"
		[ -s "$file" ] || [ -n "$tableonly" ] ||
			{ $through sched/goruntime/gotests.sh --cell "$1" "$2" "$3" "$i" >"$file.new" && mv "$file.new" "$file"; }
		[ -s "$file" ] && cat "$file" || echo missing
		# The other pieces would have the same program.
		! grep -qs '^FAIL: does not build' "$file" || break
	done | awk -v table="$tableonly" '
		/^missing/ { missing = 1 }
		/^FAIL/ && !told[$0]++ { failed = failed substr($0, 5) }
		/^ok/ { count += $2; what = $3; sub(/,$/, "", what) }
		/another try/ { sub(/.*another try /, ""); again = again " " $0 }
		END {
			if (missing && table == "") print "FAIL: not run" (failed == "" ? "" : " in part, and" failed)
			else if (failed != "") print "FAIL" failed
			else if (missing) print "-"
			else print "ok " count " " what (again == "" ? "" : ", at another try" again)
		}'
}

status=0
table=$(mktemp "$work/table.XXXX")
{
	echo "# Go's own tests (\`-short\`) with the NUMA-aware runtime"
	echo
	echo "$release, $(nproc) CPUs, $(date -u +%F), commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown). Columns are values of GONUMA."
	echo "A test that fails in column stock fails without us."
	echo
	echo "| tests |$(printf ' %s |' $modes)"
	echo "|---|$(for m in $modes; do printf -- '---|'; done)"
} >"$table"
for r in $rows; do
	row="| $r |" stock=
	for m in $modes; do
		kind=$(kind "$m")
		mkdir -p "$work/$kind"
		cell=$(whole "$r" "$m" "$kind")
		[ -n "$tableonly" ] || echo "gotests: $r, $m: $cell" >&2
		row="$row $cell |"
		[ "$m" != stock ] || stock=$cell
		# What fails must be among what fails in stock. What was not run is nothing to compare with.
		case $cell in
		"FAIL: not run"*) status=1 ;;
		FAIL*) for name in ${cell#FAIL}; do
			case " ${stock#FAIL} " in *" $name "*) ;; *) [ "$m" = stock ] || status=1 ;; esac
		done ;;
		esac
	done
	echo "$row" >>"$table"
done
[ -z "$out" ] || exec >"$out"
cat "$table"; rm -f "$table"
exit $status
