#!/bin/bash
# Compares what a program costs with Go's own runtime and with ours, on an idle machine.
#
#   sched/goruntime/costs.sh [--rounds N] [--time D] [--bench REGEXP] [--work DIR [--build]] [--out FILE]
#
# The rounds are interleaved: Go's own runtime, then GONUMA=off, 1 and 2. The table has
# medians: ns/op of stock, and for each mode two ratios to stock, by the clock and by CPU
# time. Beside them is the effective clock of the CPUs for each mode. A repetition is marked
# if its clock differs by more than 2 % from the median of its shape. The last line says what
# others used of the CPUs.
#
#   --work DIR  uses the programs there; with --build it makes them first, and with --rounds 0
#               it does no more
set -eu
cd "$(dirname "$0")"
rounds=10 time=200ms bench=. out=/dev/stdout
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) rounds=$2; shift ;;
	--time) time=$2; shift ;;
	--out) out=$2; shift ;;
	--bench) bench=$2; shift ;;
	--work) mkdir -p "$2" && work=$(cd "$2" && pwd) || exit 2; shift ;;
	--build) build=yes ;;
	*) echo "costs: unexpected $1; want --rounds N, --time D, --bench REGEXP, --work DIR, --build, --out FILE" >&2; exit 2 ;;
	esac
	shift
done
if [ -z "${work:-}" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	build=yes
fi
if [ -n "${build:-}" ]; then
	(cd ../.. && go build -o "$work/numago" ./sched/goruntime/numago)
	go test -c -o "$work/stock" ./testdata/costs
	"$work/numago" test -c -o "$work/numa" ./testdata/costs
	[ "$rounds" != 0 ] || exit 0
fi
# busy prints what all CPUs and the hypervisor have used, in ticks.
busy() { awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8, $9; exit }' /proc/stat 2>/dev/null || echo 0 0; }

modes='stock off 1 2' turn=$modes
read -r all stolen <<<"$(busy)"
before=$SECONDS
for i in $(seq "$rounds"); do
	# Each mode comes first as often as others do.
	read -r m rest <<<"$turn"
	turn="$rest $m"
	for m in $turn; do
		program=numa gonuma=$m
		[ "$m" != stock ] || { program=stock gonuma=; }
		GONUMA=$gonuma "$work/$program" -test.run '^$' -test.bench "$bench" -test.benchtime "$time" |
			awk -v m="$m" '/^Benchmark/ {
				sub(/-[0-9]*$/, "", $1); sub(/^Benchmark/, "", $1)
				for (i = 4; i <= NF; i += 2) v[$i] = $(i - 1)
				print $1, m, v["ns/op"], v["cpu-ns/op"], v["clock-GHz"]
			}'
	done
done >"$work/runs"
read -r all2 stolen2 <<<"$(busy)"
# What this script's own children used, in ticks: fields 16 and 17 of stat.
own=$(awk '{ sub(/.*\) /, ""); print $14 + $15 }' "/proc/$$/stat" 2>/dev/null || echo 0)
awk -v modes="$modes" -v rounds="$rounds" -v others=$((all2 - all - own)) -v stolen=$((stolen2 - stolen)) -v ticks=$(((SECONDS - before) * $(getconf CLK_TCK) * $(nproc))) '
	# median sorts v[1..n] in place.
	function median(v, n,  i, j, t) {
		for (i = 2; i <= n; i++) { t = v[i]; for (j = i - 1; j > 0 && v[j] > t; j--) v[j + 1] = v[j]; v[j + 1] = t }
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	# of is the median of a column in the runs of a shape, in one mode or in all.
	function of(shape, mode, column,  i, n, v) {
		n = 0
		for (i = 1; i <= NR; i++) if (run[i, 1] == shape && (mode == "" || run[i, 2] == mode)) v[++n] = run[i, column]
		return n ? median(v, n) : 0
	}
	{ for (i = 1; i <= 5; i++) run[NR, i] = $i; if (!($1 in seen)) { seen[$1] = 1; shape[++shapes] = $1 } }
	END {
		k = split(modes, m, " ")
		head = "| shape | stock, ns/op |"; rule = "|---|---|"
		for (i = 2; i <= k; i++) { head = head " " m[i] " |"; rule = rule "---|" }
		print head " GHz | marked |\n" rule "---|---|"
		for (s = 1; s <= shapes; s++) {
			usual = of(shape[s], "", 5)
			row = sprintf("| %s | %.0f |", shape[s], of(shape[s], "stock", 3))
			ghz = sprintf("%.2f", of(shape[s], "stock", 5))
			for (i = 2; i <= k; i++) {
				row = row sprintf(" %.2f, %.2f |", of(shape[s], m[i], 3) / of(shape[s], "stock", 3), of(shape[s], m[i], 4) / of(shape[s], "stock", 4))
				ghz = ghz sprintf(" %.2f", of(shape[s], m[i], 5))
			}
			marked = 0
			for (i = 1; i <= NR; i++) if (run[i, 1] == shape[s] && (run[i, 5] < 0.98 * usual || run[i, 5] > 1.02 * usual)) marked++
			print row " " ghz " | " (marked ? marked " of " k * rounds : "none") " |"
		}
		printf "\nOthers used %.0f %% of the CPUs meanwhile, and the hypervisor took %.1f %%.\n", 100 * others / ticks, 100 * stolen / ticks
	}' "$work/runs" >"$out"
