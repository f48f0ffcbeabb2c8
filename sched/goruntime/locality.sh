#!/bin/bash
# Shows on a virtual NUMA machine (scripts/numalab.sh) how much of what goroutines touch is local,
# with Go's own runtime and with ours. The machine's CPUs are emulated: times there are no times
# of a real machine, and memory of another node is as near as any.
#
#   sched/goruntime/locality.sh [--rounds N] [--time D] [--nodes N] [--cpus N] [--out FILE] [MODE...]
#
# A MODE is a value of GONUMA, or "stock" for the go command alone. Without any: stock, off, on,
# on,heap and confine. In each round the modes take turns, and each scenario of numago/testdata/locality
# runs for the time (500 ms) after its last goroutine has begun. The table has medians of all
# rounds (5): the share of touches that were local, in %, and below it the touches in a second, as
# multiples of those in the first mode.
set -eu
case ${1:-} in -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;; esac
cd "$(dirname "$0")/../.."
rounds=5 time=500ms nodes=4 cpus=4 out=
while [ $# -gt 0 ]; do
	case $1 in --rounds | --time | --nodes | --cpus | --out) [ -n "${2:-}" ] || { echo "locality: $1 wants a value" >&2; exit 2; } ;; esac
	case $1 in
	--rounds) rounds=$2; shift ;;
	--time) time=$2; shift ;;
	--nodes) nodes=$2; shift ;;
	--cpus) cpus=$2; shift ;;
	--out) out=$2; shift ;;
	-*) echo "locality: unexpected $1; want --rounds N, --time D, --nodes N, --cpus N, --out FILE, then modes" >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
modes=${*:-stock off on on,heap confine}
. sched/goruntime/modes.sh
check_modes locality $modes
case $rounds in '' | *[!0-9]* | 0) echo "locality: --rounds $rounds: want a whole number above 0" >&2; exit 2 ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CGO_ENABLED=0
go build -o "$work/numago" ./sched/goruntime/numago
go build -o "$work/stock" ./sched/goruntime/numago/testdata/locality
"$work/numago" build -o "$work/ours" ./sched/goruntime/numago/testdata/locality
# A line for each scenario, with the mode in front. The kernel itself is to move no page.
cat >"$work/all.sh" <<-'END'
	rounds=$1 time=$2
	shift 2
	echo 0 >/proc/sys/kernel/numa_balancing 2>/dev/null
	while [ $rounds -gt 0 ]; do
		for mode; do
			program=./ours gonuma=$mode
			[ $mode != stock ] || { program=./stock; gonuma=; }
			GONUMA=$gonuma $program $time >lines || exit 1
			sed "s/^/$mode /" lines
		done
		rounds=$((rounds - 1))
	done
END
scripts/numalab.sh --nodes "$nodes" --cpus-per-node "$cpus" --timeout 3600s --file "$work/stock" --file "$work/ours" --file "$work/all.sh" \
	-- sh all.sh "$rounds" "$time" $modes >"$work/lines"

[ -z "$out" ] || exec >"$out"
echo "Virtual machine of $nodes nodes with $cpus CPUs each, $(go env GOVERSION), median of $rounds rounds of $time."
awk -v modes="$modes" '
	function median(name, what,    i, j, n, x, v) {
		n = count[name]
		for (i = 1; i <= n; i++) v[i] = value[name, what, i]
		for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j-1] > v[j]; j--) { x = v[j]; v[j] = v[j-1]; v[j-1] = x }
		return n % 2 ? v[(n+1)/2] : (v[n/2] + v[n/2+1]) / 2
	}
	NF == 5 {
		if (!seen[$2]++) scenarios[++k] = $2
		i = ++count[$1 " " $2]
		value[$1 " " $2, "near", i] = 100 * $4
		value[$1 " " $2, "rate", i] = $5
	}
	END {
		n = split(modes, mode, " ")
		for (t = 1; t <= 2; t++) {
			print ""
			printf "| %s |", t == 1 ? "local touches, %" : "touches in a second, to " mode[1]
			for (m = 1; m <= n; m++) printf " `%s` |", mode[m]
			printf "\n|---|"
			for (m = 1; m <= n; m++) printf "---|"
			print ""
			for (s = 1; s <= k; s++) {
				printf "| %s |", scenarios[s]
				for (m = 1; m <= n; m++) {
					at = mode[m] " " scenarios[s]
					if (!count[at]) printf " - |"
					else if (t == 1) printf " %.0f |", median(at, "near")
					else printf " %.2f |", median(at, "rate") / median(mode[1] " " scenarios[s], "rate")
				}
				print ""
			}
		}
	}' "$work/lines"
