#!/bin/bash
# Tests and measures open-source programs, unchanged, with the NUMA-aware runtime.
#
#   sched/goruntime/programs.sh [--work DIR] [--only REGEXP] [--through CMD] [--rounds N] [--out FILE] [STEP...]
#
# The steps, all of them without any:
#   build   fetches the programs through the module proxy and builds their tests with go and
#           with numago
#   test    runs their own tests (-short): with go's runtime, and with ours for GONUMA=off,
#           on, confine and 2
#   bench   runs some of their own benchmarks, the modes in turn, on an idle machine
#   table   writes both as tables. A cell of the second is the median's ratio to that of go's
#           own runtime. Then come benchstat's words
#
# With --work the folder stays, and steps can be run one by one. --through runs each test or
# round of benchmarks by a command, such as "nice". The exit status is 1 if a test fails that
# passes with go's own runtime, or if tests did not run.
set -u
case ${1:-} in -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;; esac
cd "$(dirname "$0")/../.."

# A name, a module, the package in it, the benchmarks, and how long each of these runs.
programs='
bbolt    go.etcd.io/bbolt@v1.5.0              .      ^BenchmarkDBBatch(Automatic|Manual10x100)$                           10x
buntdb   github.com/tidwall/buntdb@v1.3.0     .      ^Benchmark_(Get_100|Set_NoPersist_Random_100|Ascend_100)$                  50ms
zstd     github.com/klauspost/compress@v1.20.4 ./zstd ^BenchmarkConcurrentBlocks_GobStream$|^BenchmarkEncoder_EncodeAll(XML|HTML)$ 50ms
flate    github.com/klauspost/compress@v1.20.4 ./flate ^Benchmark(Encode|Decode)Twain.*Speed.*1e5$                                50ms
chi      github.com/go-chi/chi/v5@v5.5.0      .      ^Benchmark(Mux|TreeGet)$                                                  50ms
chi-mw   github.com/go-chi/chi/v5@v5.5.0      ./middleware ^Benchmark(Throttle|WalkXFF)$                                       50ms
'
modes='stock off on confine 2'

only=. out= through= rounds=10
while [ $# -gt 0 ]; do
	case $1 in --work | --only | --through | --rounds | --out) [ -n "${2:-}" ] || { echo "programs: $1 wants a value" >&2; exit 2; } ;; esac
	case $1 in
	--work) mkdir -p "$2" && work=$(cd "$2" && pwd) || exit 2; shift ;;
	--only) only=$2; shift ;;
	--through) through=$2; shift ;;
	--rounds) rounds=$2; shift ;;
	--out) out=$2; shift ;;
	-*) echo "programs: unexpected $1; want --work DIR, --only REGEXP, --through CMD, --rounds N, --out FILE, then steps" >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
steps=${*:-build test bench table}
for s in $steps; do
	case $s in build | test | bench | table) ;; *) echo "programs: unexpected step $s; want build, test, bench or table" >&2; exit 2 ;; esac
done
[[ $rounds =~ ^[0-9]+$ ]] || { echo "programs: --rounds $rounds: want a whole number" >&2; exit 2; }
chosen=$(echo "$programs" | awk 'NF' | grep -E "^($only)") || { echo "programs: --only $only: no program has such a name" >&2; exit 2; }
if [ -z "${work:-}" ]; then
	work=$(mktemp -d)
	trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
fi
mkdir -p "$work"
status=0
# Where cgo is not needed it is not used: a program that does would not bind its threads.
export CGO_ENABLED=0 GOWORK=off

build() { # NAME MODULE PACKAGE
	local tree="$work/${2//\//-}" from
	if ! [ -d "$tree" ]; then
		from=$(cd "$work" && go mod download -json "$2" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && [ -n "$from" ] || return 1
		cp -R "$from" "$tree" && chmod -R u+w "$tree" || return 1
	fi
	(cd "$tree" && go test -c -o "$work/$1.stock" "$3" && "$work/numago" test -c -o "$work/$1.numa" "$3")
}

# at MODE NAME MODULE PACKAGE ARGUMENT...: runs the program's tests in its folder.
at() {
	local mode=$1 program="$work/$2.numa" gonuma=$1 tree="$work/${3//\//-}/$4"
	shift 4
	[ "$mode" != stock ] || { program=${program%numa}stock gonuma=; }
	(cd "$tree" && GONUMA=$gonuma $through "$program" "$@")
}

for s in $steps; do
	case $s in
	build)
		go build -o "$work/numago" ./sched/goruntime/numago || exit 1
		while read -r name module package _; do
			build "$name" "$module" "$package" </dev/null || { echo "programs: $name does not build" >&2; exit 1; }
			echo "programs: $name is built" >&2
		done <<<"$chosen"
		;;
	test)
		while read -r name module package _; do
			for m in $modes; do
				code=0
				at "$m" "$name" "$module" "$package" -test.short -test.timeout 20m </dev/null >"$work/$name-$m.log" 2>&1 || code=$?
				if [ $code = 0 ]; then
					cell=ok # how long it took says nothing: --through may have had it wait
				else
					# A crash is named beside the tests that fail: stock may fail them, too.
					crash=$(grep -m1 -oE '^(fatal error|panic|signal)' "$work/$name-$m.log" | tr ' ' -)
					failed=$(grep -o -- '^--- FAIL: [^ ]*' "$work/$name-$m.log" | cut -d' ' -f3 | sort | tr '\n' ' ')
					cell="FAIL $failed${crash:-exit-status-$code}"
					# Where no test failed and nothing crashed, the tests did not run, or not to their end. That
					# stock's did not, either, says nothing.
					if [ -z "$failed$crash" ]; then
						cell="FAIL: not run, exit status $code" status=1
					elif [ "$m" != stock ] && [ "$cell" != "$(cat "$work/$name-stock.cell")" ]; then
						status=1
					fi
				fi
				echo "$cell" >"$work/$name-$m.cell"
				echo "programs: $name, $m: $cell" >&2
			done
		done <<<"$chosen"
		;;
	bench)
		while read -r name module package bench time; do
			: >"$work/$name.runs"
			for i in $(seq "$rounds"); do
				for m in $modes; do
					at "$m" "$name" "$module" "$package" -test.run '^$' -test.bench "$bench" -test.benchtime "$time" </dev/null >"$work/$name-$m.bench" 2>&1 || {
						echo "programs: $name, $m: the benchmark fails: see $work/$name-$m.bench" >&2
						status=1
					}
					awk -v n="$name" -v m="$m" '/^Benchmark/ && $4 == "ns/op" { sub(/-[0-9]*$/, "", $1); sub(/^Benchmark_?/, "", $1); print n "/" $1, m, $3 }' "$work/$name-$m.bench" >>"$work/$name.runs"
				done
			done
			echo "programs: $name is measured" >&2
		done <<<"$chosen"
		;;
	table)
		[ -z "$out" ] || exec >"$out"
		echo "Their own tests:"
		echo
		echo "| program |$(printf ' %s |' $modes)"
		echo "|---|$(for m in $modes; do printf -- '---|'; done)"
		while read -r name module package _; do
			row=
			for m in $modes; do
				cell=$(cat "$work/$name-$m.cell" 2>/dev/null) || cell='FAIL: not run' status=1
				row="$row $cell |"
			done
			echo "| $module $package |$row"
		done <<<"$chosen"
		echo
		echo "Their own benchmarks, medians of interleaved rounds:"
		echo
		while read -r name _; do cat "$work/$name.runs" 2>/dev/null; done <<<"$chosen" | sort -k1,1 -k2,2 -k3,3n | awk -v modes="$modes" '
			function flush() { if (n) { med[name, mode] = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2; count[name] = n } n = 0 }
			$1 != name || $2 != mode { flush(); name = $1; mode = $2; if (!(name in seen)) { seen[name] = 1; order[++names] = name } }
			{ v[++n] = $3 }
			END {
				flush()
				k = split(modes, m, " ")
				head = "| benchmark | rounds | stock, ns/op |"; rule = "|---|---|---|"
				for (i = 2; i <= k; i++) { head = head " " m[i] " |"; rule = rule "---|" }
				print head "\n" rule
				for (j = 1; j <= names; j++) {
					name = order[j]
					stock = med[name, "stock"]
					row = sprintf("| %s | %d | %s |", name, count[name], stock ? sprintf("%.0f", stock) : "-")
					for (i = 2; i <= k; i++) row = row (stock && med[name, m[i]] ? sprintf(" %.2f |", med[name, m[i]] / stock) : " - |")
					print row
				}
			}'
		files=
		for m in $modes; do
			while read -r name _; do cat "$work/$name.runs" 2>/dev/null; done <<<"$chosen" |
				awk -v m="$m" '$2 == m { print "Benchmark" $1, 1, $3, "ns/op" }' >"$work/$m.all"
			files="$files $m=$work/$m.all"
		done
		echo
		go run golang.org/x/perf/cmd/benchstat -alpha 0.01 $files
		;;
	esac
done
exit $status
