package topology

// Machines that nobody has captured, made of those that somebody has: files are
// taken away, CPUs go offline, names are those of other kernels. What hwloc says
// of each is what we must say, but for what it does not export.

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A change turns a tree into that of another machine. Some need CPU numbers.
type change struct {
	name string
	make func(tr tree, cpus []int, rng *rand.Rand)
}

var changes = []change{
	{"some CPUs are offline", func(tr tree, cpus []int, rng *rand.Rand) {
		off := some(cpus, rng)
		tr.set(cpuDir+"/online", CPUs(cpus...).AndNot(off).list()+"\n")
		tr.takeFromNodes(off)
	}},
	{"some CPUs are offline by their own files", func(tr tree, cpus []int, rng *rand.Rand) {
		off := some(cpus, rng)
		tr.drop(cpuDir + "/online")
		for c := range off.All() {
			tr.cpu(c, "online", "0\n")
		}
		tr.takeFromNodes(off)
	}},
	{"an offline CPU has no topology", func(tr tree, cpus []int, rng *rand.Rand) {
		c := cpus[1+rng.IntN(len(cpus)-1)] // lstopo gives up without that of the first
		tr.drop(fmt.Sprintf("%s/cpu%d/topology", cpuDir, c))
		tr.set(cpuDir+"/online", CPUs(cpus...).AndNot(CPUs(c)).list()+"\n")
		tr.cpu(c, "uevent", "")
		tr.takeFromNodes(CPUs(c))
	}},
	{"a CPU tells of no caches", func(tr tree, cpus []int, rng *rand.Rand) {
		tr.drop(fmt.Sprintf("%s/cpu%d/cache", cpuDir, cpus[rng.IntN(len(cpus))]))
	}},
	{"the first CPU tells of no caches", func(tr tree, cpus []int, _ *rand.Rand) {
		tr.drop(fmt.Sprintf("%s/cpu%d/cache", cpuDir, cpus[0]))
	}},
	{"no cache has a size", func(tr tree, _ []int, _ *rand.Rand) { tr.drop(cpuDir + "/cpu*/cache/index*/size") }},
	{"no cache has a type but instructions", func(tr tree, _ []int, _ *rand.Rand) {
		for name, content := range tr {
			if strings.HasSuffix(name, "/type") && !strings.HasPrefix(content, "Instruction") {
				delete(tr, name)
			}
		}
	}},
	{"ids are -1", func(tr tree, _ []int, _ *rand.Rand) {
		for name := range tr {
			if strings.HasSuffix(name, "/physical_package_id") || strings.HasSuffix(name, "/core_id") {
				tr[name] = "-1\n"
			}
		}
	}},
	{"a row of distances is gone", func(tr tree, _ []int, _ *rand.Rand) {
		if rows := tr.matching(nodeDir + "/node*/distance"); len(rows) > 0 {
			delete(tr, rows[0])
		}
	}},
	{"there are no nodes", func(tr tree, _ []int, _ *rand.Rand) { tr.drop(nodeDir) }},
	{"old names are new ones", func(tr tree, _ []int, _ *rand.Rand) {
		for from, to := range map[string]string{"thread_siblings": "core_cpus", "core_siblings": "package_cpus"} {
			for _, name := range tr.matching(cpuDir + "/cpu*/topology/" + from) {
				tr[strings.TrimSuffix(name, from)+to] = tr[name]
				delete(tr, name)
			}
		}
	}},
}

// some returns one to all but one of the CPUs.
func some(cpus []int, rng *rand.Rand) CPUSet {
	cpus = slices.Clone(cpus)
	rng.Shuffle(len(cpus), func(i, j int) { cpus[i], cpus[j] = cpus[j], cpus[i] })
	return CPUs(cpus[:1+rng.IntN(len(cpus)-1)]...)
}

// takeFromNodes does what the kernel does when CPUs go offline.
func (tr tree) takeFromNodes(off CPUSet) {
	for _, name := range tr.matching(nodeDir + "/node*/cpumap") {
		if set, err := ParseCPUMask(tr[name]); err == nil {
			tr[name] = maskOf(set.AndNot(off)) + "\n"
		}
	}
}

// matching returns the names of files that match a pattern of package path.
func (tr tree) matching(pattern string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(tr)) {
		if ok, _ := filepath.Match(filepath.FromSlash(pattern), filepath.FromSlash(name)); ok {
			names = append(names, name)
		}
	}
	return names
}

func TestChangedCapturesAreWhatHwlocSays(t *testing.T) {
	lstopo, err := exec.LookPath("lstopo-no-graphics")
	if err != nil {
		t.Skip("lstopo-no-graphics is not installed")
	}
	rng := rand.New(rand.NewPCG(1, 2)) // the same machines each time
	for i, name := range []string{
		"8em64t-2s2ca2c", "16em64t-4s2c2t", "8ia64-2n2s2c", "16amd64-8n2c", "2pa-pcidomain32bits",
		"8em64t-2s4c-asymcaches", "2arm-2c", "ghw-amd64-accel",
	} {
		original := treeOfCapture(t, filepath.Join(capturesDir(t), name+".tar.gz"))
		for j, ch := range changes {
			if (i+j)%5 != 0 { // all pairs take ten seconds
				continue
			}
			t.Run(name+", "+ch.name, func(t *testing.T) {
				tr := maps.Clone(original)
				topo := must(Read(tr.fs()))
				ch.make(tr, topo.Online.List(), rng)
				dir := t.TempDir()
				if err := os.CopyFS(dir, tr.fs()); err != nil {
					t.Fatal(err)
				}
				got, err := Load(dir)
				if err != nil {
					t.Fatal(err)
				}
				check(t, got)
				out, err := exec.Command(lstopo, "-i", dir, "--if", "fsroot", "--of", "xml", "--disallowed", "--filter", "all:all").Output()
				if err != nil || len(out) == 0 {
					t.Skip("hwloc finds nothing there")
				}
				want, err := ReadHwlocXML(bytes.NewReader(out))
				if err != nil {
					t.Fatal(err)
				}
				ours, theirs := fields(t, got.Report()), fields(t, want.Report())
				for _, f := range gradedFields {
					if f != "synthetic_single_node" && !reflect.DeepEqual(ours[f], theirs[f]) {
						t.Errorf("%s\n got %s\nwant %s", f, short(ours[f]), short(theirs[f]))
					}
				}
			})
		}
	}
}

func treeOfCapture(t *testing.T, file string) tree {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Skip("that captured machine is not here: ", err)
	}
	defer f.Close()
	fsys, err := OpenArchive(f)
	if err != nil {
		t.Fatal(err)
	}
	tr := tree{}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var b []byte
			b, err = fs.ReadFile(fsys, name)
			tr[name] = string(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}
