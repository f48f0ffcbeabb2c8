#!/bin/bash
# Compares what a program costs with Go's own runtime and with ours, on an idle machine.
#
#   sched/goruntime/costs.sh [--rounds N] [--time D] [--out FILE]
#
# The rounds are interleaved. The table has medians: ns/op of stock, and ratios to that, by the
# clock and by CPU time.
set -eu
cd "$(dirname "$0")"
rounds=10 time=200ms out=/dev/stdout
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) rounds=$2; shift ;;
	--time) time=$2; shift ;;
	--out) out=$2; shift ;;
	--work) work=$2; shift ;; # a folder that --build has filled
	--build) build=yes ;;
	*) echo "costs: unexpected $1; want --rounds N, --time D, --out FILE" >&2; exit 2 ;;
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
modes='stock off 2'
for i in $(seq "$rounds"); do
	for m in $modes; do
		program=numa gonuma=$m
		[ "$m" != stock ] || { program=stock gonuma=; }
		GONUMA=$gonuma "$work/$program" -test.run '^$' -test.bench . -test.benchtime "$time" |
			awk -v m="$m" '/^Benchmark/ { sub(/-[0-9]*$/, "", $1); sub(/^Benchmark/, "", $1); print $1, m "-clock", $3; print $1, m "-cpu", $5 }'
	done
done >"$work/runs"
sort -k1,1 -k2,2 -k3,3n "$work/runs" | awk '
	function flush() { if (n) { med[name, mode] = v[int((n + 1) / 2)]; names[name] = 1 } n = 0 }
	$1 != name || $2 != mode { flush(); name = $1; mode = $2 }
	{ v[++n] = $3 }
	END {
		flush()
		print "| shape | stock, ns/op | off, ratio | off, CPU time | 2 nodes, ratio | 2 nodes, CPU time |\n|---|---|---|---|---|---|"
		for (k in names) printf "| %s | %.0f | %.2f | %.2f | %.2f | %.2f |\n", k, med[k, "stock-clock"],
			med[k, "off-clock"] / med[k, "stock-clock"], med[k, "off-cpu"] / med[k, "stock-cpu"],
			med[k, "2-clock"] / med[k, "stock-clock"], med[k, "2-cpu"] / med[k, "stock-cpu"] | "sort"
	}' >"$out"
