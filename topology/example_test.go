package topology_test

import (
	"fmt"
	"testing/fstest"

	"numasched/topology"
)

// The machine of the package comment.
func Example() {
	t, err := topology.Load("synthetic:2x2x1x2x2")
	if err != nil {
		panic(err)
	}
	const cpu = 6
	node := t.NodeOf(cpu)
	fmt.Println("CPU", cpu, "is on node", node, "with CPUs", t.Node(node).CPUs)
	fmt.Println("it shares a core with", t.Cores[t.CoreOf(cpu)], "and an L3 with", t.L3[t.L3Of(cpu)].CPUs)
	for _, victim := range t.Nearest(node) {
		fmt.Println("steal from node", victim, "at distance", t.Distance(node, victim))
	}
	// Output:
	// CPU 6 is on node 1 with CPUs 4-7
	// it shares a core with 6-7 and an L3 with 4-7
	// steal from node 1 at distance 10
	// steal from node 0 at distance 12
	// steal from node 2 at distance 32
	// steal from node 3 at distance 32
}

// A mocked machine is a tree of the files that Linux would show.
func ExampleRead() {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	t, err := topology.Read(fstest.MapFS{
		"sys/devices/system/cpu/online":                     file("0-1\n"),
		"sys/devices/system/cpu/cpu0/topology/core_cpus":    file("1\n"),
		"sys/devices/system/cpu/cpu0/topology/package_cpus": file("3\n"),
		"sys/devices/system/cpu/cpu1/topology/core_cpus":    file("2\n"),
		"sys/devices/system/cpu/cpu1/topology/package_cpus": file("3\n"),
		"sys/devices/system/node/online":                    file("0,8\n"),
		"sys/devices/system/node/node0/cpumap":              file("3\n"),
		"sys/devices/system/node/node0/meminfo":             file("Node 0 MemTotal: 1048576 kB\n"),
		"sys/devices/system/node/node0/distance":            file("10 14\n"),
		"sys/devices/system/node/node8/cpumap":              file("0\n"),
		"sys/devices/system/node/node8/meminfo":             file("Node 8 MemTotal: 4194304 kB\n"),
		"sys/devices/system/node/node8/distance":            file("14 10\n"),
	})
	if err != nil {
		panic(err)
	}
	for _, n := range t.Nodes {
		fmt.Printf("node %d: CPUs %v, %d GiB, %d from node 0\n", n.ID, n.CPUs, n.Memory>>30, t.Distance(0, n.ID))
	}
	for _, n := range t.Missing {
		fmt.Println(n)
	}
	// Output:
	// node 0: CPUs 0-1, 1 GiB, 10 from node 0
	// node 8: CPUs none, 4 GiB, 14 from node 0
	// sys/devices/system/cpu/cpu*/cache: not there: caches are unknown
}

func ExampleParseCPUList() {
	set, err := topology.ParseCPUList("0-3,8\n")
	fmt.Println(set.List(), err)
	_, err = topology.ParseCPUList("0-")
	fmt.Println(err)
	// Output:
	// [0 1 2 3 8] <nil>
	// "0-": want a list such as 0-3,8 of numbers below 16384
}
