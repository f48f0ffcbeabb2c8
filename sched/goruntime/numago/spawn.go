package main

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"numasched/topology"
)

// A node is one that spawn starts a process on.
type node struct {
	id   int
	cpus topology.CPUSet // those that this process may use
}

// usableNodes are the nodes with CPUs for this process.
func usableNodes(top *topology.Topology) (all []node) {
	for _, n := range top.Nodes {
		if cpus := n.CPUs.And(top.Allowed); !cpus.Empty() {
			all = append(all, node{n.ID, cpus})
		}
	}
	return all
}

// commandFor puts the node's number in the place of {node}.
func (n node) commandFor(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = strings.ReplaceAll(arg, "{node}", strconv.Itoa(n.id))
	}
	return out
}

// spawn starts a program once per node.
func spawn(args []string, stdout, stderr io.Writer) error {
	dry := false
	for len(args) > 0 && args[0] != "--" {
		switch args[0] {
		case "-n":
			dry = true
		default:
			return usageError(fmt.Sprintf("spawn: unexpected %q before --: want -n, then -- PROGRAM [ARGUMENT...]", args[0]))
		}
		args = args[1:]
	}
	if len(args) < 2 {
		return usageError("spawn: no program: want -- PROGRAM [ARGUMENT...]")
	}
	top, err := topology.Host()
	if err != nil {
		return err
	}
	return spawnOn(usableNodes(top), args[1:], dry, stdout, stderr)
}

func spawnOn(nodes []node, args []string, dry bool, stdout, stderr io.Writer) error {
	if dry {
		for _, n := range nodes {
			line := fmt.Sprintf("numactl --physcpubind=%v --preferred=%d --", n.cpus, n.id)
			for _, arg := range n.commandFor(args) {
				line += " " + quote(arg)
			}
			if _, err := fmt.Fprintln(stdout, line); err != nil {
				return err
			}
		}
		return nil
	}
	return spawnAll(nodes, args, stdout, stderr)
}

// quote writes an argument for a shell.
func quote(arg string) string {
	plain := arg != ""
	for _, r := range arg {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./@%^", r) {
			plain = false
		}
	}
	if plain {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// A prefixer writes whole lines to w with a prefix before each. The lock is shared by all
// that write to w.
type prefixer struct {
	w      io.Writer
	lock   *sync.Mutex
	prefix string
	line   []byte // has not ended yet
}

func (p *prefixer) Write(b []byte) (int, error) {
	p.line = append(p.line, b...)
	end := bytes.LastIndexByte(p.line, '\n') + 1
	err := p.put(p.line[:end])
	p.line = append(p.line[:0], p.line[end:]...)
	return len(b), err
}

// Flush writes a last line that has no end.
func (p *prefixer) Flush() error {
	if len(p.line) == 0 {
		return nil
	}
	err := p.put(append(p.line, '\n'))
	p.line = nil
	return err
}

func (p *prefixer) put(lines []byte) error {
	var out []byte
	for line := range bytes.Lines(lines) {
		out = append(append(out, p.prefix...), line...)
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	_, err := p.w.Write(out)
	return err
}
