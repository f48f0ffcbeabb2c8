package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"numasched/topology"
)

func runTopo(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, err bytes.Buffer
	status = dispatch(append([]string{"topo"}, args...), &out, &err)
	return out.String(), err.String(), status
}

func TestTopoShowsAPresetAsATree(t *testing.T) {
	out, _, status := runTopo(t, "--from", "skx-2x8180")
	if status != 0 || !strings.Contains(out, "package 1, node 1 of 96 GiB, L3 38.5 MiB: CPUs 28-55,84-111") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

func TestTopoPrintsTheFieldsThatOthersCompare(t *testing.T) {
	out, _, status := runTopo(t, "--from", "synthetic:2x4", "--json")
	var m map[string]any
	if err := json.Unmarshal([]byte(out), &m); err != nil || status != 0 {
		t.Fatalf("status %d, %v:\n%s", status, err, out)
	}
	for _, field := range []string{
		"pus", "offline_pus", "cores", "packages", "dies", "clusters", "l1d", "l2", "l3", "l2_bytes", "l3_bytes",
		"numa", "distance_nodes", "distances", "allowed_pus", "allowed_nodes", "restricted", "synthetic_single_node",
	} {
		if _, ok := m[field]; !ok {
			t.Errorf("no field %q", field)
		}
	}
}

func TestTopoDrawsIntoFiles(t *testing.T) {
	dir := t.TempDir()
	svg, png := filepath.Join(dir, "a.svg"), filepath.Join(dir, "a.png")
	if out, errs, status := runTopo(t, "--from", "kunpeng-920", "--svg", svg, "--png", png); status != 0 || out != "" {
		t.Fatalf("status %d: %s%s", status, out, errs)
	}
	for file, magic := range map[string]string{svg: "<?xml", png: "\x89PNG"} {
		b, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(b), magic) {
			t.Errorf("%s: %v, begins with %.20q", file, err, b)
		}
	}
}

func TestTopoRefusesWhatIsNoMachineInOneLine(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.tar.gz")
	if err := os.WriteFile(junk, []byte("junk"), 0o666); err != nil {
		t.Fatal(err)
	}
	xml := filepath.Join(dir, "a.xml")
	if err := os.WriteFile(xml, []byte("<svg></svg>"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ args, want string }{
		{"--from nosuch", `"nosuch"`},
		{"--from " + junk, "junk.tar.gz"},
		{"--from " + xml, `"svg"`},
		{"--from " + dir, "want the files sys/devices"},
		{"--from synthetic:2", "synthetic:NxC"},
		{"--from preset:x", "skx-2x8180"},
		{"skx-8s", "--from skx-8s"},
		{"--nosuch", "--nosuch"},
		{"--from skx-8s --svg " + dir, dir},
		{"--from skx-8s --svg - --png -", "one of them"},
		{"--from skx-8s --json --png -", "one of them"},
	} {
		_, errs, status := runTopo(t, strings.Fields(x.args)...)
		if status != 2 || !strings.Contains(errs, x.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("topo %s: status %d, %q; want 2 and one line with %q", x.args, status, errs, x.want)
		}
	}
}

func TestCaptureIsReadBackAsTheSameMachine(t *testing.T) {
	if _, err := os.Stat("/sys/devices/system/cpu"); err != nil {
		t.Skip("this system has no /sys to capture")
	}
	file := filepath.Join(t.TempDir(), "m.tar.gz")
	var out, errs bytes.Buffer
	if status := dispatch(append([]string{"capture"}, file), &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	captured, err := topology.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	host, err := topology.Host()
	if err != nil {
		t.Fatal(err)
	}
	if !captured.Online.Equal(host.Online) || len(captured.Nodes) != len(host.Nodes) {
		t.Errorf("captured CPUs %v on %d nodes; the machine has %v on %d", captured.Online, len(captured.Nodes), host.Online, len(host.Nodes))
	}
	if status := dispatch(append([]string{"capture"}, file), &out, &errs); status != 2 {
		t.Errorf("a second capture into the same file: status %d, want 2", status)
	}
}

func levels(findings []finding) map[string]string {
	m := map[string]string{}
	for _, f := range findings {
		m[f.what] = f.level
	}
	return m
}

func TestDoctorFindsWhatSpoilsAnExperiment(t *testing.T) {
	bad := fstest.MapFS{}
	for name, content := range map[string]string{
		"proc/sys/kernel/numa_balancing": "1\n",
		"proc/cpuinfo":                   "flags\t\t: fpu hypervisor sse\n",
		"proc/self/cgroup":               "0::/a/b\n",
		"sys/fs/cgroup/a/cpu.max":        "50000 100000\n",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
		"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance\n",
		"sys/devices/system/cpu/intel_pstate/no_turbo":         "0\n",
		"sys/kernel/mm/transparent_hugepage/enabled":           "[always] madvise never\n",
	} {
		bad[name] = &fstest.MapFile{Data: []byte(content)}
	}
	topo, err := topology.ParseSynthetic("1x2x1x2x2")
	if err != nil {
		t.Fatal(err)
	}
	narrowed := *topo
	narrowed.Allowed = topology.CPUs(0, 1)
	got := levels(examine(bad, &narrowed))
	for what, want := range map[string]string{
		"NUMA": "ok", "NUMA balancing": "warn", "frequency": "warn", "turbo": "warn", "SMT": "warn",
		"allowed CPUs": "warn", "CPU quota": "warn", "huge pages": "note", "virtual machine": "note",
	} {
		if got[what] != want {
			t.Errorf("%s: %q, want %q", what, got[what], want)
		}
	}
}

func TestDoctorFindsAQuotaWhereverItIs(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"cgroup v2, above ours":     {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "50000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000\n"},
		"cgroup v2, a host's path":  {"proc/self/cgroup": "0::/../x\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"},
		"cgroup v1":                 {"proc/self/cgroup": "4:cpu,cpuacct:/j\n", "sys/fs/cgroup/cpu/j/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu/j/cpu.cfs_period_us": "100000\n"},
		"cgroup v1, in a container": {"proc/self/cgroup": "4:cpu,cpuacct:/docker/1\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
	} {
		root := fstest.MapFS{}
		for name, content := range files {
			root[name] = &fstest.MapFile{Data: []byte(content)}
		}
		if f := quota(root); f.level != "warn" || !strings.Contains(f.text, "50000 of every 100000 us") {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := quota(fstest.MapFS{"sys/fs/cgroup/cpu/cpu.cfs_quota_us": {Data: []byte("-1\n")}}); f.level != "ok" {
		t.Errorf("no quota: %+v", f)
	}
}

func TestDoctorIsContentWithAQuietMachine(t *testing.T) {
	good := fstest.MapFS{}
	for name, content := range map[string]string{
		"proc/sys/kernel/numa_balancing":                       "0\n",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
		"sys/devices/system/cpu/cpufreq/boost":                 "0\n",
		"sys/kernel/mm/transparent_hugepage/enabled":           "always [madvise] never\n",
	} {
		good[name] = &fstest.MapFile{Data: []byte(content)}
	}
	topo, err := topology.ParseSynthetic("2x4")
	if err != nil {
		t.Fatal(err)
	}
	for what, level := range levels(examine(good, topo)) {
		if level != "ok" {
			t.Errorf("%s: %s, want ok", what, level)
		}
	}
}

func TestDoctorSeesOtherWorkAndStolenTime(t *testing.T) {
	before := cpuTimes("cpu0 100 0 0 900 0 0 0 0 0 0\ncpu1 0 0 0 1000 0 0 0 0 0 0\n")
	after := cpuTimes("cpu0 150 0 0 950 0 0 0 0 0 0\ncpu1 0 0 0 1070 0 0 0 30 0 0\n")
	got := busyOf(before, after, time.Second)
	if got[0].level != "warn" || !strings.Contains(got[0].text, "CPUs 0-1") {
		t.Errorf("other work: %+v", got[0])
	}
	if got[1].level != "warn" || !strings.Contains(got[1].text, "0.30 CPUs") {
		t.Errorf("stolen time: %+v", got[1])
	}
	if quiet := busyOf(before, before, time.Second); quiet[0].level != "ok" || quiet[1].level != "ok" {
		t.Errorf("nothing has happened, yet %+v", quiet)
	}
}
