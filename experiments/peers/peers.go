// Package peers runs other people's task runtimes on the workloads that they share
// with this module, so that a result says what a reader would use otherwise. Each
// peer is an arm of its own name, like "goroutine".
//
// Peers written in Go are part of the program. Peers in other languages are small
// programs, in the folder native. They are built by the compilers of this computer
// when they are first needed; a computer without those compilers does without the
// peers.
//
// A peer does the same work in the same order of magnitude of tasks as the workload of
// that name in package workload. It checks its answer, and its time per unit is
// comparable. A pool limits how many of its tasks run at a time. So a task in a pool
// must not wait for another, and no pool has a fork-join workload.
package peers

import (
	"fmt"
	"io"
	"slices"
	"time"

	"numasched/experiments/workload"
)

// A Peer is another task runtime.
type Peer struct {
	Name, Doc string

	pool *goPool // of a peer in Go
	prog *native // of one in another language
}

// All are the peers, those in Go first.
var All = []*Peer{
	{Name: "chanpool", Doc: "P goroutines that take functions from one channel", pool: chanPool},
	{Name: "ants", Doc: "github.com/panjf2000/ants, a pool of P goroutines", pool: antsPool},
	{Name: "pond", Doc: "github.com/alitto/pond, a pool of P goroutines", pool: pondPool},
	{Name: "conc", Doc: "github.com/sourcegraph/conc, a pool of P goroutines", pool: concPool},
	{Name: "onetbb", Doc: "oneTBB task groups (C++; Debian: g++, libtbb-dev)", prog: oneTBB},
	{Name: "openmp", Doc: "OpenMP tasks (C++; Debian: g++)", prog: openMP},
	{Name: "rayon", Doc: "rayon joins and scopes (Rust; Debian: cargo, librust-rayon-dev)", prog: rayon},
}

// ThatCanRun returns the names of the peers that can run here, and tells w why the others
// cannot.
func ThatCanRun(w io.Writer) (names []string) {
	for _, p := range All {
		if err := p.Ready(); err != nil {
			fmt.Fprintf(w, "without %s: %v\n", p.Name, err)
			continue
		}
		names = append(names, p.Name)
	}
	return names
}

// ByName returns the peer with the given name, or nil.
func ByName(name string) *Peer {
	i := slices.IndexFunc(All, func(p *Peer) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return All[i]
}

// Has reports whether p has the workload with the given name and sizes.
func (p *Peer) Has(load string, params workload.Params) bool {
	switch load {
	case "spawn", "parfor":
		return true
	case "fib", "fib-closure", "nqueens":
		return p.pool == nil
	case "skynet":
		return p.pool == nil && params["channels"] == 0
	}
	return false
}

// Ready builds what p needs. The error says why p cannot run on this computer.
func (p *Peer) Ready() error {
	if p.prog == nil {
		return nil
	}
	_, err := p.prog.build()
	return err
}

// Measure runs a workload that p has, on procs threads, and returns how long the given
// number of runs took together. If warm is set, one more run comes first. The error
// says that an answer was wrong, or that p could not run.
func (p *Peer) Measure(load string, params workload.Params, procs, runs int, warm bool) (time.Duration, error) {
	elapsed, err := time.Duration(0), fmt.Errorf("it does not have the workload %s with these sizes", load)
	n := int(params["n"])
	if load == "skynet" {
		n = int(params["depth"])
	}
	switch {
	case !p.Has(load, params):
	case p.pool != nil:
		elapsed, err = p.pool.measure(load, n, procs, runs, warm)
	default:
		elapsed, err = p.prog.measure(load, n, procs, runs, warm)
	}
	if err != nil {
		return 0, fmt.Errorf("peer %s: %w", p.Name, err)
	}
	return elapsed, nil
}
