package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A shape describes the requested machine. The guest finds it as JSON in the
// environment (NUMALAB_SHAPE), so that a test can compare.
type shape struct {
	Nodes     []node
	Distances [][]int // from row to column; nil for the firmware's 10 and 20
}

type node struct {
	ID     int
	CPUs   []int
	Memory int64 // bytes
}

func newShape(nodes, cpus int, mem int64, memless, cpuless bool) (shape, error) {
	var s shape
	switch {
	case nodes < 1 || nodes > 64:
		return s, fmt.Errorf("--nodes %d: want 1 to 64", nodes)
	case cpus < 1 || cpus > 64:
		return s, fmt.Errorf("--cpus-per-node %d: want 1 to 64", cpus)
	case nodes*cpus > 255:
		return s, fmt.Errorf("--nodes %d --cpus-per-node %d: %d CPUs; want at most 255", nodes, cpus, nodes*cpus)
	case memless && nodes == 1:
		return s, fmt.Errorf("--memless-node: the only node cannot be without memory: want --nodes 2 or more")
	}
	for id := range nodes {
		n := node{ID: id, Memory: mem}
		for c := range cpus {
			n.CPUs = append(n.CPUs, id*cpus+c)
		}
		s.Nodes = append(s.Nodes, n)
	}
	if memless {
		s.Nodes[nodes-1].Memory = 0
	}
	// Linux numbers nodes in the order in which the firmware's table names
	// them, and that table names CPUs first: so this one must be last.
	if cpuless {
		s.Nodes = append(s.Nodes, node{ID: nodes, Memory: mem})
	}
	return s, nil
}

// qemu returns the shape as arguments of QEMU. Every node with CPUs is a
// socket.
func (s shape) qemu() []string {
	var total int64
	var nodes, cpus []string
	sockets, cores := 0, 1
	for _, n := range s.Nodes {
		total += n.Memory
		spec := fmt.Sprintf("node,nodeid=%d", n.ID)
		if n.Memory > 0 {
			nodes = append(nodes, "-object", fmt.Sprintf("memory-backend-ram,id=mem%d,size=%d", n.ID, n.Memory))
			spec += fmt.Sprintf(",memdev=mem%d", n.ID)
		}
		nodes = append(nodes, "-numa", spec)
		if len(n.CPUs) > 0 {
			cpus = append(cpus, "-numa", fmt.Sprintf("cpu,node-id=%d,socket-id=%d", n.ID, sockets))
			sockets++
			cores = len(n.CPUs)
		}
	}
	args := []string{
		"-m", fmt.Sprintf("%dM", total>>20),
		"-smp", fmt.Sprintf("%d,sockets=%d,cores=%d,threads=1", sockets*cores, sockets, cores),
	}
	args = append(append(args, nodes...), cpus...)
	for i, row := range s.Distances {
		for j, d := range row {
			args = append(args, "-numa", fmt.Sprintf("dist,src=%d,dst=%d,val=%d", i, j, d))
		}
	}
	return args
}

// parseSize reads a size such as 512M or 2G, in bytes. Linux does not boot in much
// less than 64M.
func parseSize(s string) (int64, error) {
	for suffix, unit := range map[string]int64{"M": 1 << 20, "G": 1 << 30} {
		if digits, ok := strings.CutSuffix(s, suffix); ok {
			if n, err := strconv.ParseInt(digits, 10, 32); err == nil && n*unit >= 64<<20 {
				return n * unit, nil
			}
		}
	}
	return 0, fmt.Errorf("%q: want a number and M or G, such as 512M, and at least 64M", s)
}

// parseDistances reads a matrix of n lines of n numbers; # begins a comment.
// Errors begin with the line's number.
func parseDistances(text string, n int) ([][]int, error) {
	var rows [][]int
	last := 0
	for line, s := range strings.Split(text, "\n") {
		s, _, _ = strings.Cut(s, "#")
		fields := strings.Fields(s)
		if len(fields) == 0 {
			continue
		}
		last = line + 1
		if len(fields) != n || len(rows) == n {
			return nil, fmt.Errorf("%d: %q: want %d lines of %d numbers", last, strings.TrimSpace(s), n, n)
		}
		var row []int
		for j, f := range fields {
			d, err := strconv.Atoi(f)
			switch {
			case err != nil || d < 10 || d > 254:
				return nil, fmt.Errorf("%d: %q: want a number from 10 to 254", last, f)
			case (d == 10) != (j == len(rows)):
				return nil, fmt.Errorf("%d: %q: want 10 from a node to itself, and only there", last, f)
			}
			row = append(row, d)
		}
		rows = append(rows, row)
	}
	if len(rows) != n {
		return nil, fmt.Errorf("%d: %d lines of numbers: want %d", last, len(rows), n)
	}
	return rows, nil
}
