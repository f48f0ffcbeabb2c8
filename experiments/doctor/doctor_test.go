package doctor

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"numasched/topology"
)

// files is a tree by path.
type files map[string]string

func (f files) system(t *testing.T, topo *topology.Topology) System {
	t.Helper()
	root := fstest.MapFS{}
	for name, content := range f {
		root[name] = &fstest.MapFile{Data: []byte(content)}
	}
	if topo == nil {
		topo = synthetic(t, "2x4")
	}
	return System{root, topo, func(string) string { return "" }}
}

func synthetic(t *testing.T, spec string) *topology.Topology {
	t.Helper()
	topo, err := topology.ParseSynthetic(spec)
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// want fails unless c has the status, and says the text.
func want(t *testing.T, c Check, status Status, text string) {
	t.Helper()
	if c.Status != status || !strings.Contains(c.Seen, text) {
		t.Errorf("%s: %s %q, want %s and %q", c.Name, c.Status, c.Seen, status, text)
	}
	if c.Status == Warn && c.Mend == "" {
		t.Errorf("%s: a warning that does not say what mends it", c.Name)
	}
}

func TestAQuietMachineIsOK(t *testing.T) {
	s := files{
		"proc/sys/kernel/numa_balancing":                                  "0\n",
		"proc/meminfo":                                                    "MemTotal: 33554432 kB\n",
		"sys/devices/system/node/node0/meminfo":                           "Node 0 MemTotal: 16777216 kB\nNode 0 MemFree: 9000000 kB\n",
		"sys/devices/system/node/node1/meminfo":                           "Node 1 MemTotal: 16777216 kB\nNode 1 MemFree: 9000000 kB\n",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor":            "performance\n",
		"sys/devices/system/cpu/cpufreq/boost":                            "0\n",
		"sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
		"sys/kernel/mm/transparent_hugepage/enabled":                      "always [madvise] never\n",
		"proc/self/limits":                                                "Max address space         unlimited            unlimited            bytes     \n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes":                      "9223372036854771712\n",
		"sys/fs/cgroup/cpu/cpu.cfs_quota_us":                              "-1\n",
	}.system(t, nil)
	names := map[string]bool{}
	for _, c := range Examine(s) {
		if c.Status != OK {
			t.Errorf("%s: %s %s, want ok", c.Name, c.Status, c.Seen)
		}
		if names[c.Name] {
			t.Errorf("two checks are called %s", c.Name)
		}
		names[c.Name] = true
	}
}

func TestAMachineThatShowsNothingIsNotCalledFine(t *testing.T) {
	s := files{"sys/devices/system/cpu/online": "0-7\n"}.system(t, nil)
	want(t, s.mounted(), Warn, "/proc not mounted")
	s = files{}.system(t, nil)
	want(t, s.mounted(), Warn, "/proc and /sys not mounted")
}

func TestWhatSpoilsAnExperimentIsFound(t *testing.T) {
	s := files{
		"proc/sys/kernel/numa_balancing":                       "1\n",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
		"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance\n",
		"sys/devices/system/cpu/intel_pstate/no_turbo":         "0\n",
		"sys/kernel/mm/transparent_hugepage/enabled":           "[always] madvise never\n",
	}.system(t, synthetic(t, "1x2x1x2x2"))
	narrowed := *s.Topology
	narrowed.Allowed = topology.CPUs(0, 1)
	narrowed.AllowedNodes = topology.NodeIDs(1)
	s.Topology = &narrowed
	want(t, s.balancing(), Warn, "moves pages")
	want(t, s.governors(), Warn, "powersave on 1 CPU:")
	want(t, s.turbo(), Warn, "on:")
	want(t, s.smt(), Warn, "2 threads share a core")
	want(t, s.allowedCPUs(), Warn, "CPUs 0-1 alone of 0-7")
	want(t, s.allowedMemory(), Warn, "node 1 alone of 0-1")
	want(t, s.hugePages(), Note, "always")
}

// machine reads a machine of nodes with two CPUs each, given as "node: CPUs,
// kB of memory".
func machine(t *testing.T, nodes ...string) *topology.Topology {
	t.Helper()
	f := fstest.MapFS{}
	put := func(name, content string) { f[name] = &fstest.MapFile{Data: []byte(content)} }
	put("sys/devices/system/cpu/online", "0-7")
	for _, c := range "01234567" {
		put("sys/devices/system/cpu/cpu"+string(c)+"/topology/core_cpus_list", string(c))
	}
	for i, n := range nodes {
		dir := "sys/devices/system/node/node" + string(rune('0'+i)) + "/"
		cpus, kb, _ := strings.Cut(n, "; ")
		put(dir+"cpulist", cpus)
		put(dir+"meminfo", "Node 0 MemTotal: "+kb+" kB")
	}
	topo, err := topology.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

func TestLocalityMattersOnlyBetweenNodesWithCPUs(t *testing.T) {
	for _, x := range []struct {
		nodes  []string
		status Status
		seen   string
	}{
		{[]string{"0-7; 1024"}, Note, "one node: locality cannot matter"},
		{[]string{"0-3; 1024", "4-7; 1024"}, OK, "2 nodes"},
		{[]string{"0-7; 1024", "; 0", "; 0", "; 0"}, Note, "one node: locality cannot matter here, only overhead can be measured (of 4 nodes, node 0 alone has CPUs)"},
		{[]string{"0-7; 1024", "; 4096"}, Note, "one node: locality cannot matter"},
		{[]string{"0-3; 1024", "4-7; 0"}, Note, "2 nodes, node 1 without memory"},
		{[]string{"0-3; 1024", "4-7; 1024", "; 4096"}, OK, "3 nodes, node 2 without CPUs"},
		{[]string{"0-3; 1024", "4-7; 1024", "; 0", "; 0"}, OK, "4 nodes, nodes 2-3 with neither"},
	} {
		s := files{}.system(t, machine(t, x.nodes...))
		want(t, s.nodes(), x.status, x.seen)
		want(t, s.allowedMemory(), OK, "all of") // no cpuset has a part in it
	}
	s := files{}.system(t, machine(t, "0-3; 1024", "4-7; 1024"))
	narrowed := *s.Topology
	narrowed.Allowed = topology.CPUs(4, 5)
	s.Topology = &narrowed
	want(t, s.nodes(), Note, "node 1 alone has CPUs that are allowed")
}

func TestAQuotaIsFoundWhereverItIs(t *testing.T) {
	for name, f := range map[string]files{
		"version 2, above ours":                   {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "50000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"},
		"version 2, a looser one below":           {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "50000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "200000 100000\n"},
		"version 2, a host's path":                {"proc/self/cgroup": "0::/../x\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"},
		"version 1":                               {"proc/self/cgroup": "4:cpu,cpuacct:/j\n", "sys/fs/cgroup/cpu/j/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu/j/cpu.cfs_period_us": "100000\n"},
		"version 1, in a container":               {"proc/self/cgroup": "4:cpu,cpuacct:/docker/1\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
		"version 1, controllers mounted together": {"proc/self/cgroup": "4:cpu,cpuacct:/j\n", "sys/fs/cgroup/cpu,cpuacct/j/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu,cpuacct/j/cpu.cfs_period_us": "100000\n"},
		"version 1, together and at an odd place": {"proc/self/mounts": "c /cg/both cgroup rw,cpuacct,cpu 0 0\n", "proc/self/cgroup": "4:cpuacct,cpu:/\n", "cg/both/cpu.cfs_quota_us": "50000\n", "cg/both/cpu.cfs_period_us": "100000\n"},
		"both versions, in version 2":             {"proc/self/cgroup": "4:cpuset:/\n0::/u\n", "sys/fs/cgroup/unified/u/cpu.max": "50000 100000\n"},
		"both versions, in version 1":             {"proc/self/cgroup": "4:cpu:/j\n0::/u\n", "sys/fs/cgroup/unified/u/cpu.pressure": "", "sys/fs/cgroup/cpu/j/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu/j/cpu.cfs_period_us": "100000\n"},
	} {
		c := f.system(t, nil).quota()
		if c.Status != Warn || !strings.Contains(c.Seen, "50000 of every 100000 us (0.5 CPUs)") {
			t.Errorf("%s: %+v", name, c)
		}
	}
	want(t, files{"sys/fs/cgroup/cpu.max": "800000 100000\n"}.system(t, nil).quota(), OK, "enough for the 8 CPUs")
}

func TestIsolatedCPUsMatterIfTheyAreOurs(t *testing.T) {
	const file = "sys/devices/system/cpu/isolated"
	want(t, files{file: "\n"}.system(t, nil).isolated(), OK, "none")
	want(t, files{file: "(null)\n"}.system(t, nil).isolated(), OK, "none")
	want(t, files{file: "2-3\n"}.system(t, nil).isolated(), Warn, "CPUs 2-3 of the allowed ones")
	want(t, files{"sys/fs/cgroup/cpuset.cpus.isolated": "7\n"}.system(t, nil).isolated(), Warn, "CPUs 7 of the allowed ones")
	want(t, files{file: "16-31\n"}.system(t, nil).isolated(), OK, "none of those is allowed")
}

func TestASlowClockIsFound(t *testing.T) {
	const dir = "sys/devices/system/clocksource/clocksource0/"
	c := files{dir + "current_clocksource": "hpet\n", dir + "available_clocksource": "tsc hpet acpi_pm \n"}.system(t, nil).clockSource()
	want(t, c, Warn, "hpet: each reading")
	if !strings.Contains(c.Mend, "echo tsc >") {
		t.Errorf("mend: %s", c.Mend)
	}
	for _, fast := range []string{"tsc", "kvm-clock", "arch_sys_counter", "timebase", "tod", "riscv_clocksource"} {
		want(t, files{dir + "current_clocksource": fast}.system(t, nil).clockSource(), OK, fast)
	}
}

func TestAMemoryLimitBelowTheNodesIsTold(t *testing.T) {
	for name, f := range map[string]files{
		"version 2":               {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1073741824\n", "sys/fs/cgroup/a/b/memory.max": "max\n"},
		"version 2, throttled":    {"sys/fs/cgroup/memory.high": "1073741824\n"},
		"version 1":               {"proc/self/cgroup": "4:memory:/j\n", "sys/fs/cgroup/memory/j/memory.limit_in_bytes": "1073741824\n"},
		"a process's own":         {"proc/self/limits": "Limit  Soft Limit  Hard Limit  Units\nMax address space         1073741824           unlimited            bytes     \n"},
		"the tightest of several": {"sys/fs/cgroup/memory.max": "2147483648\n", "sys/fs/cgroup/memory.high": "1073741824\n"},
	} {
		c := f.system(t, nil).memoryLimit()
		if c.Status != Note || !strings.HasPrefix(c.Seen, "1.0 GiB by ") || !strings.Contains(c.Seen, "allowed nodes have 32.0 GiB") {
			t.Errorf("%s: %+v", name, c)
		}
	}
	want(t, files{"sys/fs/cgroup/memory.max": "68719476736\n"}.system(t, nil).memoryLimit(), OK, "no less than")
	s := files{}.system(t, nil)
	s.Env = func(name string) string { return map[string]string{"GOMEMLIMIT": "1GiB"}[name] }
	want(t, s.goMemoryLimit(), Note, "1GiB")
}

func TestAFullNodeIsTold(t *testing.T) {
	const dir = "sys/devices/system/node/"
	f := files{
		dir + "node0/meminfo": "Node 0 MemTotal: 1048576 kB\nNode 0 MemFree: 1024 kB\nNode 0 Inactive(file): 900000 kB\n",
		dir + "node1/meminfo": "Node 1 MemTotal: 1048576 kB\nNode 1 MemFree: 51200 kB\nNode 1 Active(anon): 900000 kB\n",
	}
	want(t, f.system(t, nil).freeMemory(), Warn, "node 1 has 50 MiB of 1.0 GiB: what does not fit there")
	delete(f, dir+"node1/meminfo")
	want(t, f.system(t, nil).freeMemory(), OK, "node 0 has 879 MiB of 1.0 GiB")
}

func TestNodesThatContradictTheMachineAreTold(t *testing.T) {
	for total, status := range map[string]Status{"33554432": OK, "33000000": OK, "8388608": Note, "134217728": Note} {
		c := files{"proc/meminfo": "MemTotal: " + total + " kB\n"}.system(t, nil).memorySizes()
		want(t, c, status, "")
	}
}

func TestAVirtualMachineIsKnownOnEveryArchitecture(t *testing.T) {
	for name, f := range map[string]files{
		"x86":                    {"proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu hypervisor sse\n"},
		"arm64, firmware":        {"sys/class/dmi/id/sys_vendor": "QEMU\n", "sys/class/dmi/id/product_name": "KVM Virtual Machine\n"},
		"arm64, Amazon":          {"sys/class/dmi/id/sys_vendor": "Amazon EC2\n", "sys/class/dmi/id/product_name": "c7g.4xlarge\n"},
		"arm64, device tree":     {"proc/device-tree/compatible": "linux,dummy-virt\x00"},
		"arm64, Xen":             {"proc/device-tree/hypervisor/compatible": "xen,xen-4.16\x00xen,xen\x00"},
		"POWER under KVM":        {"proc/device-tree/hypervisor/compatible": "linux,kvm\x00"},
		"a partition of POWER":   {"sys/firmware/devicetree/base/ibm,partition-name": "lpar1\x00"},
		"POWER by cpuinfo":       {"proc/cpuinfo": "processor\t: 0\n\nplatform\t: pSeries\nmachine\t\t: CHRP IBM,9119-MHE\n"},
		"RISC-V":                 {"proc/device-tree/compatible": "riscv-virtio\x00", "proc/device-tree/model": "riscv-virtio,qemu\x00"},
		"QEMU's fw-cfg":          {"proc/device-tree/fw-cfg@9020000/compatible": "x\x00"},
		"s390 under z/VM":        {"proc/sysinfo": "LPAR Number:          3\n\nVM00 Name:            LINUX1\nVM00 Control Program: z/VM    6.4.0\n"},
		"s390 under KVM":         {"proc/sysinfo": "VM00 Control Program: KVM/Linux\n"},
		"Xen":                    {"sys/hypervisor/type": "xen\n"},
		"LoongArch":              {"sys/class/dmi/id/product_name": "QEMU Virtual Machine\n"},
		"the firmware's own bit": {"sys/firmware/dmi/entries/0-0/raw": "\x00\x18" + strings.Repeat("\x00", 17) + "\x10\x00"},
		"User Mode Linux":        {"proc/cpuinfo": "vendor_id\t: User Mode Linux\n"},
	} {
		if c := f.system(t, nil).virtual(); c.Status != Note || !strings.Contains(c.Seen, "yes (") {
			t.Errorf("%s: %+v", name, c)
		}
	}
	for name, f := range map[string]files{
		"nothing known":   {},
		"a server":        {"sys/class/dmi/id/sys_vendor": "Dell Inc.\n", "proc/cpuinfo": "flags\t\t: fpu sse\n"},
		"Oracle's server": {"sys/class/dmi/id/sys_vendor": "Oracle Corporation\n", "sys/class/dmi/id/product_name": "ORACLE SERVER X8-2\n"},
		"Amazon's metal":  {"sys/class/dmi/id/sys_vendor": "Amazon EC2\n", "sys/class/dmi/id/product_name": "c7g.metal\n"},
		"s390 in an LPAR": {"proc/sysinfo": "LPAR Number:          3\nLPAR Name:            PROD\n"},
		"bare POWER":      {"proc/cpuinfo": "platform\t: PowerNV\n", "proc/device-tree/compatible": "ibm,powernv\x00"},
		"a board":         {"proc/device-tree/compatible": "raspberrypi,4-model-b\x00brcm,bcm2711\x00"},
	} {
		if c := f.system(t, nil).virtual(); c.Status != OK {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestOtherWorkAndStolenTimeAreSeen(t *testing.T) {
	before := cpuTimes("cpu0 100 0 0 900 0 0 0 0 0 0\ncpu1 0 0 0 1000 0 0 0 0 0 0\n")
	after := cpuTimes("cpu0 150 0 0 950 0 0 0 0 0 0\ncpu1 0 0 0 1070 0 0 0 30 0 0\n")
	got := busy(before, after, time.Second)
	want(t, got[0], Warn, "CPUs 0-1")
	want(t, got[1], Warn, "0.30 CPUs")
	for _, c := range busy(before, before, time.Second) {
		if c.Status != OK {
			t.Errorf("nothing has happened, yet %+v", c)
		}
	}
}

func TestARangeOfCPUsThatIsOfSeveralNodesIsFound(t *testing.T) {
	for _, x := range []struct {
		nodes   []string
		allowed topology.CPUSet
		status  Status // of the numbers
		numbers string
		cpus    string
		mend    string
	}{
		{[]string{"0,2,4,6; 1024", "1,3,5,7; 1024"}, topology.CPUs(0, 1, 2, 3), Note, "CPU 0 is of node 0, CPU 1 of node 1", "of nodes 0-1, though node 0 alone has as many", "taskset -c 0,2,4,6"},
		{[]string{"0-3; 1024", "4-7; 1024"}, topology.CPUs(2, 3, 4), OK, "", "of nodes 0-1, though node 0 alone", "taskset -c 0-2"},
		{[]string{"0-1,4-5; 1024", "2-3,6-7; 1024"}, topology.CPUs(0, 1, 4, 5), OK, "", "by taskset", ""},
		{[]string{"0-3; 1024", "4-7; 1024"}, topology.CPUs(0, 1, 2, 3, 4), OK, "", "by taskset", ""},
	} {
		topo := *machine(t, x.nodes...)
		topo.Allowed = x.allowed
		s := files{}.system(t, &topo)
		want(t, s.numbering(), x.status, x.numbers)
		c := s.allowedCPUs()
		want(t, c, Warn, x.cpus)
		if strings.Contains(c.Seen, "alone has as many") != (x.mend != "") || !strings.HasSuffix(c.Mend, x.mend) {
			t.Errorf("%v of %v: %q, mend %q, want %q", x.allowed, x.nodes, c.Seen, c.Mend, x.mend)
		}
	}
}

func TestGOMEMLIMITForMoreThanTheAllowedNodes(t *testing.T) {
	topo := *machine(t, "0-3; 1048576", "4-7; 1048576")
	topo.AllowedNodes = topology.NodeIDs(1)
	s := files{}.system(t, &topo)
	for limit, status := range map[string]Status{"2GiB": Warn, "1073741825": Warn, "1TiB": Warn, "1GiB": Note, "1024MiB": Note, "900000000B": Note, "many": Note, "99999999999TiB": Note} {
		s.Env = func(string) string { return limit }
		want(t, s.goMemoryLimit(), status, limit)
	}
	s.Env = func(string) string { return "2GiB" }
	if c := s.goMemoryLimit(); !strings.Contains(c.Seen, "1.0 GiB of node 1") || c.Mend != "GOMEMLIMIT=921MiB" {
		t.Errorf("%+v", c)
	}
}
