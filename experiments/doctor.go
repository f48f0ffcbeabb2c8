package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"numasched/numa"
	"numasched/topology"
)

func doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "say what here would spoil an experiment, and how to mend it",
		Long: `Doctor says what on this machine would spoil an experiment, and how to mend it.
Its exit status is 0 whatever it finds. Each line begins with how much it matters:

    ok    as it should be
    note  know it when you read the results
    warn  mend it before you trust a number`,
	}
	watch := cmd.Flags().Duration("watch", 500*time.Millisecond, "how long to watch what else is running, as a `DURATION`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *watch < 0 || *watch > time.Minute {
			return usagef("--watch %v: want a duration from 0s to 1m", *watch)
		}
		return doctor(*watch, cmd.OutOrStdout())
	}
	cmd.AddCommand(&cobra.Command{
		Use:    kvmProbeArg,
		Hidden: true, // doctor starts it as a process of its own
		RunE: func(*cobra.Command, []string) error {
			if status := probeKVM(); status != 0 {
				return exit(status)
			}
			return nil
		},
	})
	return cmd
}

// doctor examines this machine.
func doctor(watch time.Duration, stdout io.Writer) error {
	t, err := topology.Host()
	if err != nil {
		return err
	}
	root := os.DirFS("/")
	findings := examine(root, t)
	findings = append(findings, busy(root, t, watch)...)
	findings = append(findings, permissions()...)
	findings = append(findings, kvm())
	printFindings(stdout, findings)
	return nil
}

type finding struct {
	level string // "ok", "note" or "warn"
	what  string // the subject, in a word or two
	text  string
	fix   string // a command or an advice; "" if there is none
}

func printFindings(w io.Writer, findings []finding) {
	warns := 0
	for _, f := range findings {
		fmt.Fprintf(w, "%-5s %-22s %s\n", f.level, f.what, f.text)
		if f.fix != "" {
			fmt.Fprintf(w, "%-28s mend: %s\n", "", f.fix)
		}
		if f.level == "warn" {
			warns++
		}
	}
	switch warns {
	case 0:
		fmt.Fprintln(w, "\nNothing here would spoil an experiment.")
	case 1:
		fmt.Fprintln(w, "\n1 thing here would spoil an experiment.")
	default:
		fmt.Fprintf(w, "\n%d things here would spoil an experiment.\n", warns)
	}
}

// examine finds what files of /sys and /proc tell at once.
func examine(root fs.FS, t *topology.Topology) []finding {
	return []finding{
		nodes(t),
		balancing(root, t),
		governors(root),
		turbo(root),
		smt(root, t),
		affinity(t),
		quota(root),
		hugePages(root),
		virtual(root),
	}
}

func text(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func nodes(t *topology.Topology) finding {
	f := finding{"ok", "NUMA", fmt.Sprintf("%d nodes", len(t.Nodes)), ""}
	if len(t.Nodes) == 1 {
		f.level, f.text = "note", "one node: locality cannot matter here, only overhead can be measured"
		f.fix = "pretend nodes with --topology synthetic:2x4, simulate with experiments sim, or boot a virtual machine with scripts/numalab.sh"
	}
	return f
}

// balancing: the kernel moves pages and threads after its own ideas, and makes
// them fault to find out. Memory with an explicit policy is exempt.
func balancing(root fs.FS, t *topology.Topology) finding {
	f := finding{"ok", "NUMA balancing", "off", ""}
	switch v := text(root, "proc/sys/kernel/numa_balancing"); {
	case v == "":
		f.text = "not in this kernel"
	case v != "0" && len(t.Nodes) == 1:
		f.level, f.text = "note", "on, without effect on one node"
	case v != "0":
		f.level, f.text, f.fix = "warn", "on: the kernel moves pages and threads while we measure", "sysctl kernel.numa_balancing=0"
	}
	return f
}

func governors(root fs.FS) finding {
	f := finding{"ok", "frequency", "governor performance on all CPUs", ""}
	names, _ := fs.Glob(root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
	count := map[string]int{}
	for _, n := range names {
		count[text(root, n)]++
	}
	delete(count, "performance")
	switch {
	case len(names) == 0:
		f.level, f.text = "note", "this kernel does not say how frequencies are chosen (usual in virtual machines)"
	case len(count) > 0:
		var others []string
		for g, n := range count {
			others = append(others, fmt.Sprintf("%s on %d CPUs", g, n))
		}
		slices.Sort(others)
		f.level, f.text, f.fix = "warn", "governor "+strings.Join(others, ", ")+": speed follows load", "cpupower frequency-set -g performance"
	}
	return f
}

func turbo(root fs.FS) finding {
	f := finding{"ok", "turbo", "off", ""}
	intel := text(root, "sys/devices/system/cpu/intel_pstate/no_turbo")
	boost := text(root, "sys/devices/system/cpu/cpufreq/boost")
	switch {
	case intel == "0":
		f.level, f.text, f.fix = "warn", "on: speed depends on how many cores are busy", "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo"
	case boost == "1":
		f.level, f.text, f.fix = "warn", "on: speed depends on how many cores are busy", "echo 0 > /sys/devices/system/cpu/cpufreq/boost"
	case intel == "" && boost == "":
		f.level, f.text = "note", "this kernel does not say"
	}
	return f
}

func smt(root fs.FS, t *topology.Topology) finding {
	f := finding{"ok", "SMT", "each CPU is a core", ""}
	for _, c := range t.Cores {
		if c.Len() > 1 {
			f.level, f.text = "warn", fmt.Sprintf("%d threads share a core: two CPUs are not twice one", c.Len())
			f.fix = "echo off > /sys/devices/system/cpu/smt/control, or run at most one worker a core with taskset"
			return f
		}
	}
	if text(root, "sys/devices/system/cpu/smt/active") == "1" {
		f.level, f.text = "note", "on, though no core shows two threads"
	}
	if len(t.Cores) == 0 {
		f.level, f.text = "note", "this kernel does not say which CPUs share a core"
	}
	return f
}

func affinity(t *topology.Topology) finding {
	f := finding{"ok", "allowed CPUs", fmt.Sprintf("all %d", t.Online.Len()), ""}
	if !t.Allowed.Equal(t.Online) {
		f.level, f.text = "warn", fmt.Sprintf("CPUs %v alone of %v: by taskset, a batch system or a cpuset", t.Allowed, t.Online)
		f.fix = "start it outside the restriction, or choose --procs for what is left"
	} else if t.Restricted() {
		f.level, f.text = "warn", fmt.Sprintf("memory of nodes %v alone, by a cpuset", t.NodesWith(topology.MayAllocate))
		f.fix = "start it outside the restriction"
	}
	return f
}

// quota: a container's share of CPU time is taken away in bursts of 100 ms. It
// may be that of our cgroup or of one above it.
func quota(root fs.FS) finding {
	f := finding{"ok", "CPU quota", "none", ""}
	limited := func(used, period string) finding {
		f.level, f.text = "warn", fmt.Sprintf("%s of every %s us: all threads stop when it is used up", used, period)
		f.fix = "start it without a CPU limit (docker --cpus, Kubernetes limits.cpu, systemd CPUQuota)"
		return f
	}
	v2, v1 := "", ""
	for _, line := range strings.Split(text(root, "proc/self/cgroup"), "\n") {
		if _, rest, ok := strings.Cut(line, ":"); ok {
			controllers, cg, _ := strings.Cut(rest, ":")
			if controllers == "" {
				v2 = cg
			} else if slices.Contains(strings.Split(controllers, ","), "cpu") {
				v1 = cg
			}
		}
	}
	for _, dir := range upTo("sys/fs/cgroup", v2) {
		if used, period, ok := strings.Cut(text(root, dir+"/cpu.max"), " "); ok && used != "max" {
			return limited(used, period)
		}
	}
	for _, dir := range upTo("sys/fs/cgroup/cpu", v1) {
		if used := text(root, dir+"/cpu.cfs_quota_us"); used != "" && used != "-1" {
			return limited(used, text(root, dir+"/cpu.cfs_period_us"))
		}
	}
	return f
}

// upTo returns the directory below a mount point and those above it, up to the
// mount point. A container sees its host's path, of which only the last is there.
func upTo(mount, below string) []string {
	var dirs []string
	for below = path.Join("/", below); below != "/"; below = path.Dir(below) {
		dirs = append(dirs, mount+below)
	}
	return append(dirs, mount)
}

func hugePages(root fs.FS) finding {
	f := finding{"ok", "huge pages", "", ""}
	v := text(root, "sys/kernel/mm/transparent_hugepage/enabled")
	_, v, _ = strings.Cut(v, "[")
	v, _, _ = strings.Cut(v, "]")
	switch v {
	case "":
		f.text = "no transparent ones in this kernel"
	case "always":
		f.level, f.text = "note", "transparent ones always: a first touch homes 2 MB at once"
		f.fix = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"
	default:
		f.text = "transparent ones: " + v
	}
	return f
}

func virtual(root fs.FS) finding {
	f := finding{"ok", "virtual machine", "no", ""}
	for _, line := range strings.Split(text(root, "proc/cpuinfo"), "\n") {
		if strings.HasPrefix(line, "flags") && slices.Contains(strings.Fields(line), "hypervisor") {
			f.level, f.text = "note", "yes: the host below may move our CPUs and memory, and caches and nodes may be made up"
			f.fix = "report results as those of a virtual machine; ask for dedicated or pinned CPUs"
			break
		}
	}
	return f
}

// busy watches who else runs, and whether a host below takes CPUs away.
func busy(root fs.FS, t *topology.Topology, watch time.Duration) []finding {
	before := cpuTimes(text(root, "proc/stat"))
	if len(before) == 0 || watch == 0 {
		return []finding{{"note", "other work", "not watched", ""}}
	}
	time.Sleep(watch)
	return busyOf(before, cpuTimes(text(root, "proc/stat")), watch)
}

func busyOf(before, after map[int]cpuTime, watch time.Duration) []finding {
	f := finding{"ok", "other work", fmt.Sprintf("all CPUs idle for %v", watch), ""}
	s := finding{"ok", "stolen time", "none", ""}
	var busyCPUs topology.CPUSet
	var sum, stolen float64
	for c, b := range after {
		a, ok := before[c]
		total := b.total - a.total
		if !ok || total <= 0 {
			continue
		}
		share := 1 - float64(b.idle-a.idle)/float64(total)
		sum += share
		stolen += float64(b.steal-a.steal) / float64(total)
		if share > 0.05 {
			busyCPUs.Add(c)
		}
	}
	if n := busyCPUs.Len(); n > 0 {
		f.level, f.text = "warn", fmt.Sprintf("CPUs %v are more than 5 %% busy; %.1f CPUs' worth in all", busyCPUs, sum)
		f.fix = "stop what runs there (top -1), or measure on the other CPUs: taskset -c"
	}
	if stolen > 0.01 {
		s.level, s.text = "warn", fmt.Sprintf("the host below took %.2f CPUs' worth away", stolen)
		s.fix = "ask for dedicated CPUs"
	}
	return []finding{f, s}
}

type cpuTime struct{ total, idle, steal int64 }

// cpuTimes reads the lines cpuN of /proc/stat: user nice system idle iowait irq
// softirq steal, in ticks.
func cpuTimes(stat string) map[int]cpuTime {
	times := map[int]cpuTime{}
	for _, line := range strings.Split(stat, "\n") {
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		digits, ok := strings.CutPrefix(f[0], "cpu")
		cpu, err := strconv.Atoi(digits)
		if !ok || err != nil {
			continue
		}
		var t cpuTime
		for i, v := range f[1:min(len(f), 9)] {
			n, _ := strconv.ParseInt(v, 10, 64)
			t.total += n
			if i == 3 || i == 4 {
				t.idle += n
			}
			if i == 7 {
				t.steal = n
			}
		}
		times[cpu] = t
	}
	return times
}

// permissions tries every system call of package numa.
func permissions() []finding {
	works := 0
	var list []finding
	all := numa.Capabilities()
	for _, c := range all {
		if c.State == numa.Works {
			works++
			continue
		}
		f := finding{"warn", c.Call, fmt.Sprintf("%v: %s", c.State, c.Reason), c.Fix}
		if runtime.GOOS != "linux" || strings.HasPrefix(c.Call, "huge pages") {
			f.level = "note" // only what asks for it goes without
		}
		list = append(list, f)
	}
	return append([]finding{{"ok", "system calls", fmt.Sprintf("%d of %d work: affinity, memory policies, page locations", works, len(all)), ""}}, list...)
}

const kvmProbeArg = "probe-kvm"

// kvm runs one instruction in a virtual machine, in a process of its own: where
// KVM is broken, as it may be inside another virtual machine, that never ends.
func kvm() finding {
	f := finding{"ok", "KVM", "runs a guest", ""}
	if _, err := os.Stat("/dev/kvm"); err != nil {
		f.level, f.text = "note", "not there: scripts/numalab.sh emulates its machine, about ten times as slowly"
		return f
	}
	self, err := os.Executable()
	if err != nil {
		f.level, f.text = "note", "not tried: "+err.Error()
		return f
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "doctor", kvmProbeArg)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	ended := make(chan error, 1)
	go func() { ended <- cmd.Run() }()
	select {
	case err = <-ended:
	case <-time.After(5 * time.Second): // it is stuck in the kernel, and not even killed
	}
	if ctx.Err() != nil {
		f.level, f.text = "warn", "hangs: a guest of one instruction did not end in 3 s"
		f.fix = "scripts/numalab.sh falls back to emulation; on a nested host, ask for nested virtualisation to be mended or turned off"
		return f
	}
	switch why := strings.TrimSpace(out.String()); {
	case err != nil && why == "":
		f.level, f.text = "note", "cannot be tried: "+err.Error()
	case err != nil:
		f.level, f.text = "note", "cannot be used: "+why
		f.fix = "scripts/numalab.sh emulates instead; for KVM: usermod -aG kvm $USER"
	}
	return f
}
