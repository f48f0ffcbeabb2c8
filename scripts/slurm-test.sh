#!/bin/sh
# Tests scripts/slurm-sweep.sbatch with a real Slurm: a controller and two nodes of two
# kinds, all of them processes here that listen on this machine alone. It takes a minute,
# and leaves no process and no file behind.
#
# Usage: scripts/slurm-test.sh
# Exit status: 0 passed, or skipped since there is no Slurm here; 1 failed, and what
# happened is shown; 130 interrupted.
set -eu
case ${1:-} in
-h | --help)
	sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"
	exit 0
	;;
esac
[ $# -eq 0 ] || {
	echo "slurm-test: unexpected argument '$1' (valid: --help)" >&2
	exit 2
}
root=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/sbin
for tool in munged mungekey slurmctld slurmd sbatch; do
	command -v $tool >/dev/null || {
		echo "skipped: no $tool here: Debian has it in slurmctld, slurmd, slurm-client and munge"
		exit 0
	}
done

me=$(id -un)
tmp=$(mktemp -d)
chmod 755 "$tmp"
daemons=
finish() {
	trap '' INT TERM
	if [ -n "$daemons" ]; then
		scancel --user="$me" >/dev/null 2>&1 || true
		until_true 5 no_jobs || true
	fi
	for pid in $daemons; do kill "$pid" 2>/dev/null || true; done
	for pid in $daemons; do wait "$pid" 2>/dev/null || true; done
	# What a daemon has left behind knows this folder, and nothing else does.
	for env in $(grep -lsF "SLURM_CONF=$tmp/" /proc/[0-9]*/environ); do
		kill -9 "$(echo "$env" | cut -d / -f 3)" 2>/dev/null || true
	done
	rm -rf "$tmp"
}
no_jobs() { [ -z "$(squeue -h 2>&1)" ]; }
trap finish EXIT
trap 'exit 130' INT TERM
fail() {
	echo "FAIL: $*"
	for log in "$tmp"/*.log "$tmp"/sweep/*.log; do
		[ ! -s "$log" ] || { echo "--- $log" && tail -n 20 "$log"; }
	done
	exit 1
}
until_true() { # SECONDS COMMAND...
	left=$(($1 * 5))
	shift
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.2
	done
}

echo "== starting Slurm"
mkdir -m 755 "$tmp/munge" "$tmp/state" "$tmp/n1" "$tmp/n2"
(umask 077 && mungekey --create --keyfile="$tmp/munge/key")
munged --foreground --num-threads=1 --key-file="$tmp/munge/key" --socket="$tmp/munge/socket" \
	--pid-file="$tmp/munge/pid" --log-file="$tmp/munge.log" --seed-file="$tmp/munge/seed" >"$tmp/munged.log" 2>&1 &
daemons="$daemons $!"
export SLURM_CONF="$tmp/slurm.conf"
port=$((20000 + $$ % 12000)) # three in a row, below those that the kernel gives to clients
host=$(hostname -s 2>/dev/null || cat /proc/sys/kernel/hostname)
cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmctldParameters=enable_configless
CommunicationParameters=NoInAddrAny
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
AuthInfo=socket=$tmp/munge/socket
CredType=cred/munge
StateSaveLocation=$tmp/state
SlurmdSpoolDir=$tmp/%n
SlurmctldPidFile=$tmp/slurmctld.pid
SlurmdPidFile=$tmp/%n.pid
SlurmctldLogFile=$tmp/slurmctld.log
SlurmdLogFile=$tmp/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=100000
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
PropagateResourceLimits=NONE
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=2 RealMemory=1024 Feature=old
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=2 RealMemory=1024 Feature=new
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
until_true 60 test -S "$tmp/munge/socket" || fail "munged does not answer"
slurmctld -D -i >"$tmp/ctld.log" 2>&1 &
daemons="$! $daemons"
until_true 60 scontrol ping || fail "slurmctld does not answer"
for n in n1 n2; do
	slurmd -D -N $n >"$tmp/slurmd-$n.log" 2>&1 &
	daemons="$! $daemons"
done
ready() { [ "$(sinfo -h -N -o %T | sort -u)" = idle ] && [ "$(sinfo -h -N -o %N | wc -l)" = 2 ]; }
until_true 60 ready || fail "the nodes do not come: $(sinfo -N 2>&1)"

echo "== a sweep over two kinds"
[ -n "${EXPERIMENTS:-}" ] || {
	EXPERIMENTS=$tmp/experiments
	(cd "$root" && go build -o "$EXPERIMENTS" ./experiments)
}
export EXPERIMENTS
sweep() { "$root/scripts/slurm-sweep.sbatch" --out "$tmp/sweep" --kind old --kind "fast=--nodelist=n2" --shards 2 --wait \
	-- --quick --arm flat,numa --workload fib,spawn --reps 2 --time 5ms; }
measured() { grep -c '^Benchmark' "$tmp/sweep/$1/results.txt"; }
sweep || fail "the sweep, status $?"
# Two workloads, two arms, two repetitions, two kinds.
[ "$(measured merged)" = 16 ] || fail "merged has $(measured merged) measurements, want 16"
[ -s "$tmp/sweep/merged/index.html" ] || fail "there is no report"
for part in old/1 old/2 fast/1 fast/2; do
	[ "$(measured $part)" = 4 ] || fail "$part has $(measured $part) measurements, want 4"
done
[ "$(cat "$tmp"/sweep/*.log | grep -c '^old, part [12] of 2, on n1$')" = 2 ] || fail "old is not what ran on n1"
[ "$(cat "$tmp"/sweep/*.log | grep -c '^fast, part [12] of 2, on n2$')" = 2 ] || fail "fast is not what ran on n2"

echo "== it completes what is missing"
keep=$(cat "$tmp/sweep/old/1/results.txt")
rm -r "$tmp/sweep/old/2"
sed -i '$d' "$tmp/sweep/fast/1/results.txt" # as if the node had gone in between
sweep || fail "the second sweep, status $?"
[ "$(measured merged)" = 16 ] || fail "completed, merged has $(measured merged) measurements, want 16"
[ "$keep" = "$(cat "$tmp/sweep/old/1/results.txt")" ] || fail "what was there is measured again"

echo "== a part that fails is named"
rm -r "$tmp/sweep/old/2"
: >"$tmp/sweep/old/2" # no folder can be made
! sweep || fail "a sweep without one of its parts succeeds"
grep -q 'old/2' "$tmp/sweep/merge.log" || fail "the last job does not say which part is missing"

echo "== a kind that is not there"
! "$root/scripts/slurm-sweep.sbatch" --out "$tmp/none" --kind old --kind absent -- --quick >"$tmp/none.log" 2>&1 || fail "there are nodes with the feature absent"
grep -q "slurm-sweep: --kind 'absent'" "$tmp/none.log" || fail "the error does not name the kind"
until_true 60 no_jobs || fail "jobs are left in the queue: $(squeue)"
echo "passed"
