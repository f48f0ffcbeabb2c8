package topology

import (
	"fmt"
	"slices"
	"strings"
)

// A PresetInfo says what a preset is and where its numbers come from.
type PresetInfo struct {
	Name    string
	Machine string
	Source  string // of core counts, caches and distances
	Assumed string // what no source gives, or "nothing"

	shape shape
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30

	linuxNumbers = "the numbering of CPUs (Linux's usual: first threads of all cores, then second ones)"
)

// presets are in order of size. SLIT matrices that no other source is named
// for are the machine's own, as its users have published them from numactl.
var presets = []PresetInfo{
	{
		Name:    "graviton3",
		Machine: "AWS Graviton3, 1 socket, 64 cores",
		Source:  "AWS, c7g.metal: 64 Neoverse V1 cores, 64 KiB L1d and 1 MiB L2 a core, 32 MiB L3, 128 GiB",
		Assumed: "nothing",
		shape: shape{packages: 1, nodeCores: []int{64}, threads: 1, l2Cores: 1,
			l1d: 64 * kib, l2: mib, l3: 32 * mib, memory: 128 * gib},
	},
	{
		Name:    "snb-4s-ring",
		Machine: "4x Xeon E5-4650 (Sandy Bridge), 4 sockets in a ring",
		Source:  "Intel ARK, E5-4650: 8 cores, 2 threads, 20 MiB L3; SLIT 10 21 31 21 of a four-socket E5-4600 ring",
		Assumed: "16 GiB a node; " + linuxNumbers,
		shape: shape{packages: 4, nodeCores: []int{8}, threads: 2, threadsApart: true, l2Cores: 1,
			l1d: 32 * kib, l2: 256 * kib, l3: 20 * mib, memory: 16 * gib,
			slit: circulant(10, 21, 31, 21)},
	},
	{
		Name:    "opteron-4x6276",
		Machine: "4x Opteron 6276 (Interlagos), 4 sockets of 2 dies",
		Source:  "AMD 47414: modules of 2 cores, 16 KiB L1d a core, 2 MiB L2 a module, 8 MiB L3 a die, of which the probe filter takes 2; irregular SLIT, numbering and 16 GiB a node as hwloc's capture 64amd64-4s2n4ca2co has them",
		Assumed: "the same memory on every node (the capture has 8 GiB less on node 5)",
		shape: shape{packages: 4, nodeCores: []int{8, 8}, threads: 1, l2Cores: 2, l3Cores: 8,
			l1d: 16 * kib, l2: 2 * mib, l3: 6 * mib, memory: 16 * gib,
			slit: [][]int{
				{10, 16, 16, 22, 16, 22, 16, 22},
				{16, 10, 22, 16, 16, 22, 22, 16},
				{16, 22, 10, 16, 16, 16, 16, 16},
				{22, 16, 16, 10, 16, 16, 22, 22},
				{16, 16, 16, 16, 10, 16, 16, 22},
				{22, 22, 16, 16, 16, 10, 22, 16},
				{16, 22, 16, 22, 16, 22, 10, 16},
				{22, 16, 16, 22, 22, 16, 16, 10},
			}},
	},
	{
		Name:    "genoa-2x9224-cxl",
		Machine: "2x EPYC 9224 (Genoa), NPS2, and a CXL memory expander",
		Source:  "AMD, EPYC 9224: 24 cores, 2 threads, 64 MiB L3 on 4 dies of 6 cores, 1 MiB L2; published SLIT 10 12 32, CXL 50 near and 60 far",
		Assumed: "192 GiB a node and 128 GiB of CXL memory, which hangs on socket 0; distances from the CXL node are those to it; " + linuxNumbers,
		shape: shape{packages: 2, nodeCores: []int{12, 12}, threads: 2, threadsApart: true, l2Cores: 1, l3Cores: 6,
			l1d: 32 * kib, l2: mib, l3: 16 * mib, memory: 192 * gib, extra: []int64{128 * gib},
			slit: [][]int{
				{10, 12, 32, 32, 50},
				{12, 10, 32, 32, 50},
				{32, 32, 10, 12, 60},
				{32, 32, 12, 10, 60},
				{50, 50, 60, 60, 10},
			}},
	},
	{
		Name:    "skx-2x8180",
		Machine: "2x Xeon Platinum 8180 (Skylake), 2 sockets",
		Source:  "Intel ARK, 8180: 28 cores, 2 threads, 38.5 MiB L3, 1 MiB L2; SLIT 10 21 of two-socket Skylake to Sapphire Rapids",
		Assumed: "96 GiB a node; " + linuxNumbers,
		shape: shape{packages: 2, nodeCores: []int{28}, threads: 2, threadsApart: true, l2Cores: 1,
			l1d: 32 * kib, l2: mib, l3: 38*mib + 512*kib, memory: 96 * gib,
			slit: tiers(2, 1, 10, 10, 21)},
	},
	{
		Name:    "kunpeng-920",
		Machine: "2x Kunpeng 920-6426, 2 sockets of 2 dies",
		Source:  "Huawei: 64 cores, 64 KiB L1d, 512 KiB L2, 1 MiB L3 a core, clusters of 4 cores; published SLIT of four nodes",
		Assumed: "64 GiB a node; one L3 a die",
		shape: shape{packages: 2, nodeCores: []int{32, 32}, threads: 1, l2Cores: 1, l3Cores: 32, clusterCores: 4,
			l1d: 64 * kib, l2: 512 * kib, l3: 32 * mib, memory: 64 * gib,
			slit: [][]int{
				{10, 16, 32, 33},
				{16, 10, 25, 32},
				{32, 25, 10, 16},
				{33, 32, 16, 10},
			}},
	},
	{
		Name:    "spr-2x8468-snc4",
		Machine: "2x Xeon Platinum 8468 (Sapphire Rapids), SNC4, 8 nodes",
		Source:  "Intel ARK, 8468: 48 cores, 2 threads, 105 MiB L3, 2 MiB L2, 48 KiB L1d; SLIT 10 and 21; Linux shows the whole socket's L3 under SNC (T. Luck, resctrl SNC series, 2023)",
		Assumed: "SLIT 12 inside a socket; 64 GiB a node; " + linuxNumbers,
		shape: shape{packages: 2, nodeCores: []int{12, 12, 12, 12}, threads: 2, threadsApart: true, l2Cores: 1,
			l1d: 48 * kib, l2: 2 * mib, l3: 105 * mib, memory: 64 * gib,
			slit: tiers(2, 4, 10, 12, 21)},
	},
	{
		Name:    "rome-2x7742-nps4",
		Machine: "2x EPYC 7742 (Rome), NPS4, 8 nodes",
		Source:  "AMD, EPYC 7742: 64 cores, 2 threads, core complexes of 4 with 16 MiB L3, 512 KiB L2; published SLIT 10 12 32 of Rome and Milan NPS4",
		Assumed: "64 GiB a node; " + linuxNumbers,
		shape: shape{packages: 2, nodeCores: []int{16, 16, 16, 16}, threads: 2, threadsApart: true, l2Cores: 1, l3Cores: 4,
			l1d: 32 * kib, l2: 512 * kib, l3: 16 * mib, memory: 64 * gib,
			slit: tiers(2, 4, 10, 12, 32)},
	},
	{
		Name:    "skx-8s",
		Machine: "8x Xeon Platinum 8180 (Skylake), 8 sockets",
		Source:  "Intel ARK, 8180 (see skx-2x8180), three UPI links a socket; SLIT 21 for one link and 31 for two as four-socket rings have it",
		Assumed: "which sockets are linked: each to the next, the previous and the opposite one in a ring of eight, so that two links reach all; 96 GiB a node; " + linuxNumbers,
		shape: shape{packages: 8, nodeCores: []int{28}, threads: 2, threadsApart: true, l2Cores: 1,
			l1d: 32 * kib, l2: mib, l3: 38*mib + 512*kib, memory: 96 * gib,
			slit: circulant(10, 21, 31, 31, 21, 31, 31, 21)},
	},
	{
		Name:    "gnr-2x6980p-snc3",
		Machine: "2x Xeon 6980P (Granite Rapids), SNC3, 6 nodes",
		Source:  "Intel ARK, 6980P: 128 cores, 2 threads, 504 MiB L3, 2 MiB L2, 48 KiB L1d; SLIT from Linux commit 4d6dd05d07d0 (T. Chen, 2025)",
		Assumed: "43, 42 and 43 cores a die; one L3 a socket, as Linux shows under SNC; 128 GiB a node; " + linuxNumbers,
		shape: shape{packages: 2, nodeCores: []int{43, 42, 43}, threads: 2, threadsApart: true, l2Cores: 1,
			l1d: 48 * kib, l2: 2 * mib, l3: 504 * mib, memory: 128 * gib,
			slit: [][]int{
				{10, 15, 17, 21, 28, 26},
				{15, 10, 15, 23, 26, 23},
				{17, 15, 10, 26, 23, 21},
				{21, 28, 26, 10, 15, 17},
				{23, 26, 23, 15, 10, 15},
				{26, 23, 21, 17, 15, 10},
			}},
	},
}

// Presets returns the names of all presets, in alphabetical order.
func Presets() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

// AboutPreset returns what is known of the preset with the given name, and
// whether there is one.
func AboutPreset(name string) (PresetInfo, bool) {
	for _, p := range presets {
		if p.Name == name {
			return p, true
		}
	}
	return PresetInfo{}, false
}

// Preset returns a named machine; [Presets] lists the names. Missing says what
// about it is assumed.
func Preset(name string) (*Topology, error) {
	p, ok := AboutPreset(name)
	if !ok {
		return nil, fmt.Errorf("preset %q: no such machine: want one of %s", name, strings.Join(Presets(), ", "))
	}
	t := p.shape.topology("preset:" + name)
	if p.Assumed != "nothing" {
		t.Missing = []Note{{Assumed, "", "assumed: " + p.Assumed}}
	}
	return t, nil
}

func isPreset(name string) bool {
	_, ok := AboutPreset(name)
	return ok
}
