#!/bin/bash
# Compares what a program costs with Go's own runtime and with ours, on an idle machine.
#
#   sched/goruntime/costs.sh [--rounds N] [--time D] [--bench REGEXP] [--modes LIST]
#                            [--work DIR [--build | --table]] [--out FILE]
#
# The rounds are interleaved: Go's own runtime, then GONUMA=off, 1 and 2, or what --modes
# says. There are eight programs of each kind, and rounds take them in turn. In each the linker has put the
# functions into another random order. That alone makes Go's own runtime faster or slower, in some
# of these shapes by 38 %.
#
# The table has medians of the quiet repetitions, in which others used at most 5 % of
# the CPUs: ns/op of stock, and for each mode two ratios to stock, by the clock and by CPU
# time. Beside them are ratios of the memory in use, the effective clock of the CPUs and the number of quiet
# repetitions for each mode. A repetition is marked if its clock differs by more than 2 % from
# the median of its shape. Then come benchstat's words on all repetitions, by the clock.
#
#   --work DIR  uses the programs there, and adds to the repetitions there; with --build it
#               makes the programs first, and with --rounds 0 it does no more; with --table it
#               measures nothing
set -eu
case ${1:-} in -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;; esac
cd "$(dirname "$0")/../.."
rounds=10 time=200ms bench=. out= modes='stock off 1 2' orders=8
while [ $# -gt 0 ]; do
	case $1 in --rounds | --time | --out | --bench | --work | --modes) [ -n "${2:-}" ] || { echo "costs: $1 wants a value" >&2; exit 2; } ;; esac
	case $1 in
	--rounds) rounds=$2; shift ;;
	--time) time=$2; shift ;;
	--out) out=$2; shift ;;
	--bench) bench=$2; shift ;;
	--work) mkdir -p "$2" && work=$(cd "$2" && pwd) || exit 2; shift ;;
	--build) build=yes ;;
	--table) rounds=0 ;;
	--modes) modes="stock $2"; shift ;;
	*) echo "costs: unexpected $1; want --rounds N, --time D, --bench REGEXP, --modes LIST, --work DIR, --build, --table, --out FILE" >&2; exit 2 ;;
	esac
	shift
done
. sched/goruntime/modes.sh
check_modes costs $modes
[[ $rounds =~ ^[0-9]+$ ]] || { echo "costs: --rounds $rounds: want a whole number" >&2; exit 2; }
if [ -z "${work:-}" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	build=yes
fi
if [ -n "${build:-}" ]; then
	go build -o "$work/numago" ./sched/goruntime/numago
	for order in $(seq $orders); do
		go test -c -ldflags=-randlayout=$order -o "$work/stock.$order" ./sched/goruntime/testdata/costs
		"$work/numago" test -c -ldflags=-randlayout=$order -o "$work/numa.$order" ./sched/goruntime/testdata/costs
	done
	[ "$rounds" != 0 ] || exit 0
fi
turn=$modes
for i in $(seq "$rounds"); do
	# Each mode comes first as often as others do.
	read -r m rest <<<"$turn"
	turn="$rest $m"
	for m in $turn; do
		program=numa gonuma=$m
		[ "$m" != stock ] || { program=stock gonuma=; }
		GONUMA=$gonuma "$work/$program.$((i % orders + 1))" -test.run '^$' -test.bench "$bench" -test.benchtime "$time" | tee -a "$work/$m.bench" |
			awk -v m="$m" '/^Benchmark/ {
				sub(/-[0-9]*$/, "", $1); sub(/^Benchmark/, "", $1)
				for (i = 4; i <= NF; i += 2) v[$i] = $(i - 1)
				print $1, m, v["ns/op"], v["cpu-ns/op"], v["clock-GHz"], v["others-%"], v["rss-MB"]
			}'
	done
done >>"$work/runs"
[ -z "$out" ] || exec >"$out"
awk -v modes="$modes" '
	# median sorts v[1..n].
	function median(v, n,  i, j, t) {
		for (i = 2; i <= n; i++) { t = v[i]; for (j = i - 1; j > 0 && v[j] > t; j--) v[j + 1] = v[j]; v[j + 1] = t }
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	# of is the median of a column in the quiet repetitions of a shape, in one mode or in all.
	function of(shape, mode, column,  i, n, v) {
		n = 0
		for (i = 1; i <= NR; i++) if (run[i, 1] == shape && (mode == "" || run[i, 2] == mode) && run[i, 6] <= 5) v[++n] = run[i, column]
		count = n
		return n ? median(v, n) : 0
	}
	function clock(shape, mode,  v) { v = of(shape, mode, 5); return v ? sprintf("%.2f", v) : "-" }
	{ for (i = 1; i <= 7; i++) run[NR, i] = $i; others += $6; total[$1, $2]++; if (!($1 in seen)) { seen[$1] = 1; shape[++shapes] = $1 } }
	END {
		k = split(modes, m, " ")
		head = "| shape | stock, ns/op |"; rule = "|---|---|"
		for (i = 2; i <= k; i++) { head = head " " m[i] " |"; rule = rule "---|" }
		print head " memory | GHz | quiet | marked |\n" rule "---|---|---|---|"
		for (s = 1; s <= shapes; s++) {
			name = shape[s]
			usual = of(name, "", 5)
			all = count
			stock = of(name, "stock", 3)
			row = "| " name " |" (stock ? sprintf(" %.0f |", stock) : " - |")
			quiet = "" count; ghz = clock(name, "stock"); rss = of(name, "stock", 7); memory = ""
			for (i = 2; i <= k; i++) {
				mine = of(name, m[i], 3)
				quiet = quiet " " count
				row = row (stock && mine ? sprintf(" %.2f, %.2f |", mine / stock, of(name, m[i], 4) / of(name, "stock", 4)) : " - |")
				ghz = ghz " " clock(name, m[i])
				memory = memory " " (rss ? sprintf("%.2f", of(name, m[i], 7) / rss) : "-")
			}
			marked = 0
			for (i = 1; i <= NR; i++) if (run[i, 1] == name && run[i, 6] <= 5 && (run[i, 5] < 0.98 * usual || run[i, 5] > 1.02 * usual)) marked++
			print row memory " | " ghz " | " quiet " of " total[name, "stock"] " | " marked " of " all " |"
		}
		printf "\nOthers used %.0f %% of the CPUs, on average.\n", NR ? others / NR : 0
	}' "$work/runs"
echo
cd "$work"
files=$(for m in $modes; do echo "$m=$m.bench"; done)
(cd - >/dev/null && go build -o "$work/benchstat" golang.org/x/perf/cmd/benchstat) && ./benchstat -alpha 0.01 -filter .unit:ns/op $files
