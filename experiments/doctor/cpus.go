package doctor

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"numasched/topology"
	"numasched/topology/cgroup"
)

func (s System) governors() Check {
	c := Check{Name: "frequency", Status: OK, Seen: "governor performance on all CPUs"}
	names, _ := fs.Glob(s.Root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
	counts := map[string]int{}
	for _, n := range names {
		counts[s.text(n)]++
	}
	delete(counts, "performance")
	switch {
	case len(names) == 0:
		c.Status, c.Seen = Note, "this kernel does not say how frequencies are chosen (usual in virtual machines)"
	case len(counts) > 0:
		var others []string
		for g, n := range counts {
			others = append(others, g+" on "+count(n, "CPU"))
		}
		slices.Sort(others)
		c.Status, c.Seen, c.Mend = Warn, "governor "+strings.Join(others, ", ")+": speed follows load", "cpupower frequency-set -g performance"
	}
	return c
}

func (s System) turbo() Check {
	c := Check{Name: "turbo", Status: OK, Seen: "off"}
	const on = "on: speed depends on how many cores are busy"
	intel := s.text("sys/devices/system/cpu/intel_pstate/no_turbo")
	boost := s.text("sys/devices/system/cpu/cpufreq/boost")
	switch {
	case intel == "0":
		c.Status, c.Seen, c.Mend = Warn, on, "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo"
	case boost == "1":
		c.Status, c.Seen, c.Mend = Warn, on, "echo 0 > /sys/devices/system/cpu/cpufreq/boost"
	case intel == "" && boost == "":
		c.Status, c.Seen = Note, "this kernel does not say"
	}
	return c
}

func (s System) smt() Check {
	c := Check{Name: "SMT", Status: OK, Seen: "each CPU is a core"}
	for _, core := range s.Topology.Cores {
		if core.Len() > 1 {
			c.Status, c.Seen = Warn, fmt.Sprintf("%d threads share a core: two CPUs are not twice one", core.Len())
			c.Mend = "echo off > /sys/devices/system/cpu/smt/control, or run at most one worker a core with taskset"
			return c
		}
	}
	if s.text("sys/devices/system/cpu/smt/active") == "1" {
		c.Status, c.Seen = Note, "on, though no core shows two threads"
	}
	if len(s.Topology.Cores) == 0 {
		c.Status, c.Seen = Note, "this kernel does not say which CPUs share a core"
	}
	return c
}

// allowedCPUs: most often a part of the CPUs is meant to be one node, and a range such as
// 0-7 is not one where the kernel counts CPUs across the nodes.
func (s System) allowedCPUs() Check {
	t := s.Topology
	if t.Allowed.Equal(t.Online) {
		return Check{Name: "allowed CPUs", Status: OK, Seen: fmt.Sprintf("all %d", t.Online.Len())}
	}
	c := Check{
		Name:   "allowed CPUs",
		Status: Warn,
		Seen:   fmt.Sprintf("CPUs %v alone of %v: by taskset, a batch system or a cpuset", t.Allowed, t.Online),
		Mend:   "start it outside the restriction, or use no more Ps than that",
	}
	if usable := t.NodesWith(topology.MayRun); usable.Len() > 1 {
		for id := range usable.All() {
			own := t.Node(id).CPUs.And(t.Online)
			if own.Len() >= t.Allowed.Len() {
				few := topology.CPUs(own.List()[:t.Allowed.Len()]...)
				c.Seen += fmt.Sprintf("; they are of %s, though node %d alone has as many", numbers("node", usable), id)
				c.Mend += fmt.Sprintf("; if one node was meant: taskset -c %v", few)
				break
			}
		}
	}
	return c
}

// numbering: on some machines neighbouring CPU numbers are of different nodes.
func (s System) numbering() Check {
	c := Check{Name: "CPU numbers", Status: OK, Seen: "neighbours are of one node"}
	t := s.Topology
	online := t.Online.List()
	changes := 0
	for i, cpu := range online[min(1, len(online)):] {
		if t.NodeOf(cpu) != t.NodeOf(online[i]) {
			changes++
		}
	}
	if nodes := t.NodesWith(topology.HasCPUs).Len(); nodes > 1 && len(online) > nodes && 2*changes >= len(online) {
		c.Status = Note
		c.Seen = fmt.Sprintf("they alternate between nodes: CPU %d is of node %d, CPU %d of node %d, so a range of CPUs is of several nodes",
			online[0], t.NodeOf(online[0]), online[1], t.NodeOf(online[1]))
		c.Mend = fmt.Sprintf("for one node: numactl --cpunodebind, or taskset -c %v", t.Node(t.NodeOf(online[0])).CPUs)
	}
	return c
}

// isolated: isolcpus= and isolated partitions of cpusets take CPUs out of the kernel's
// load balancing, so the kernel moves no thread to or from them (Linux,
// Documentation/admin-guide/kernel-parameters.txt). A thread that is not bound stays
// there for ever, or never gets there.
func (s System) isolated() Check {
	c := Check{Name: "isolated CPUs", Status: OK, Seen: "none"}
	all := s.cpuList("sys/devices/system/cpu/isolated").Or(s.cpuList("sys/fs/cgroup/cpuset.cpus.isolated"))
	ours := all.And(s.Topology.Allowed)
	switch {
	case all.Empty():
	case ours.Empty():
		c.Seen = fmt.Sprintf("CPUs %v, and none of those is allowed", all)
	default:
		c.Status = Warn
		c.Seen = fmt.Sprintf("CPUs %v of the allowed ones: the kernel moves no thread to or from them, so arms that do not bind threads crowd some CPUs and leave others idle", ours)
		c.Mend = "boot without isolcpus="
		if rest := s.Topology.Allowed.AndNot(ours); !rest.Empty() {
			c.Mend += fmt.Sprintf(", or run on the other CPUs: taskset -c %v", rest)
		}
	}
	return c
}

// quota: a container that has used up its CPU time stands still for the rest of each
// period, usually 100 ms. The quota may be that of our own control group or of a group
// above it. The tightest counts.
func (s System) quota() Check {
	c := Check{Name: "CPU quota", Status: OK, Seen: "none"}
	least := 0.0
	for _, d := range cgroup.Dirs(s.Root, "cpu") {
		var used, period string
		if d.V2 {
			used, period, _ = strings.Cut(s.text(d.Path+"/cpu.max"), " ")
		} else {
			used, period = s.text(d.Path+"/cpu.cfs_quota_us"), s.text(d.Path+"/cpu.cfs_period_us")
		}
		u, err := strconv.ParseFloat(used, 64)
		p, err2 := strconv.ParseFloat(period, 64)
		if err != nil || err2 != nil || u <= 0 || p <= 0 {
			continue // "max", -1, or no such file
		}
		if cpus := u / p; least == 0 || cpus < least {
			least = cpus
			c.Seen = fmt.Sprintf("%s of every %s us (%.3g CPUs), by %s", used, period, cpus, d.Path)
		}
	}
	switch allowed := s.Topology.Allowed.Len(); {
	case least == 0:
	case least >= float64(allowed):
		c.Seen += ", which is enough for the " + count(allowed, "CPU") + " that are allowed"
	default:
		c.Status = Warn
		c.Seen += ": all threads stop when it is used up"
		c.Mend = "start it without a CPU limit (docker --cpus, Kubernetes limits.cpu, systemd CPUQuota)"
	}
	return c
}
