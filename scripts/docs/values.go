package main

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"numasched/experiments/harness"
)

// much is how many times the throughput README and paper call much faster.
const much = 1.5

// overhead sets what numa costs on one node.
func (b *book) overhead() {
	r := b.runs["host-two-percent"]
	var centers, ends []float64
	var open []string
	for i := range r.groups {
		numa := r.groups[i].Find("numa")
		if numa == nil || numa.Speedup == nil {
			b.fail("%s: %s: no numa beside flat", r.Dir, r.groups[i].Title())
			continue
		}
		centers = append(centers, numa.Speedup.Center)
		ends = append(ends, numa.Speedup.Lo, numa.Speedup.Hi)
		if numa.Speedup.Lo < harness.AtLeast {
			open = append(open, r.groups[i].Workload)
		}
		b.set("overheadPairs", "%d", numa.N)
	}
	b.setRange("overhead", centers, "%.2f")
	b.holds(least(centers) >= harness.AtLeast-0.005, "numa costs about nothing on one node")
	b.setRange("overheadInterval", ends, "%.2f")
	b.set("overheadOpen", "%s", list(open))
	b.set("overheadDisturbed", "%d of %d", r.Meta.Disturbed.Flagged, r.Meta.Done)
	b.set("overheadAim", "%.2f", harness.AtLeast)
	b.set("overheadCommand", "%s", strings.Join(r.Meta.Command, " "))
}

// tasks sets the price of a task.
func (b *book) tasks() {
	ns := func(workload, arm string) float64 { return b.row("host-tasks", workload, arm).NsPerUnit.Center }
	b.set("forkNs", "%.0f", ns("fib", "flat"))
	b.set("forkGoroutineNs", "%.0f", ns("fib", "goroutine"))
	b.set("forkTimes", "%.0f", ns("fib", "goroutine")/ns("fib", "flat"))
	b.holds(ns("fib", "goroutine") >= 10*ns("fib", "flat"), "a goroutine costs at least ten times as much as a fork")
	b.set("closureNs", "%.0f", ns("fib-closure", "flat"))
	b.set("spawnFlatNs", "%.0f", ns("spawn", "flat"))
	b.set("spawnNumaNs", "%.0f", ns("spawn", "numa"))
	b.set("spawnGoroutineNs", "%.0f", ns("spawn", "goroutine"))
}

// places sets where pages and threads are on the virtual machine.
func (b *book) places() {
	r := b.runs["virtual-4x4"]
	pages := map[string][]float64{}
	var bound, apart []float64
	for i := range r.groups {
		for _, row := range r.groups[i].Rows {
			pages[row.Arm] = append(pages[row.Arm], row.Mid(harness.Pages))
			if !math.IsNaN(row.Mid(harness.OnNode)) {
				bound = append(bound, math.Floor(100*row.Mid(harness.OnNode))/100) // as the table has it
				if row.Arm != "numa-wrongmap" {
					apart = append(apart, math.Abs(row.Mid(harness.Pages)-row.Mid(harness.Touched)))
				}
			}
		}
	}
	b.holds(least(pages["numa"]) > 90 && most(pages["flat"]) < 30, "numa visits pages on their node, and flat by chance")
	b.setRange("pagesFlat", pages["flat"], "%.0f")
	b.setRange("pagesNuma", pages["numa"], "%.1f")
	b.setRange("pagesWrong", pages["numa-wrongmap"], "%.1f")
	b.setRange("bound", bound, "%.2f")
	b.setRange("booksApart", apart, "%.1f")
	single := map[string][]float64{} // by arm: how far they are apart in single repetitions
	for _, m := range r.Measurements {
		if believed, ok := m.Get(harness.Touched.Unit); ok {
			counted, _ := m.Get(harness.Pages.Unit)
			single[m.Arm] = append(single[m.Arm], math.Abs(counted-believed))
		}
	}
	b.setRange("booksApartNuma", single["numa"], "%.1f")
	b.setRange("booksApartShared", single["numa-cache"], "%.1f")
}

// A cell is one simulated cell in which numa ran beside flat.
type cell struct {
	*harness.Group
	nodes, cpus      int
	numa, flat, near *harness.Row
	wrong, static    *harness.Row
	touch, spread    *harness.Row // flat with memory by first touch, and interleaved
}

func (c *cell) over(r *harness.Row) float64 {
	return c.numa.Throughput.Center / r.Throughput.Center
}

// cells returns the simulated cells of a run.
func (b *book) cells(name string) (all []cell) {
	r := b.runs[name]
	for i := range r.groups {
		g := &r.groups[i]
		c := cell{Group: g, numa: g.Find("numa"), flat: g.Find("flat"), near: g.Find("numa-near"), wrong: g.Find("numa-wrongmap"),
			static: g.Find("static"), touch: g.Find("flat+firsttouch"), spread: g.Find("interleave")}
		for _, t := range r.Meta.Topologies {
			if t.Label == g.Topo {
				c.nodes, c.cpus = t.NodesWithCPUs, t.CPUs
			}
		}
		if c.numa == nil || c.flat == nil || c.nodes == 0 {
			b.fail("%s: %s: want numa and flat on a machine that run.json describes", r.Dir, g.Title())
			continue
		}
		all = append(all, c)
	}
	return all
}

// homed reports whether c is memory-bound work whose data has homes.
func (c *cell) homed() bool {
	return c.Homed() && c.nodes >= harness.HomedNodes && c.numa.BoundByMemory()
}

// simulated sets what the simulated sweep shows.
func (b *book) simulated() {
	var over, overBest, overStatic, local, bound, wrongAll, wrongLocal, near, part, tree, lock, assumed []float64
	var short []string
	rest, met, nearFaster, nearCells := 0, 0, 0, 0
	best := 0.0
	for _, c := range b.cells("sim-findings") {
		if c.wrong == nil || c.near == nil || c.static == nil || c.touch == nil || c.spread == nil {
			b.fail("sim-findings: %s: want numa-wrongmap, numa-near, static, flat+firsttouch and interleave", c.Title())
			continue
		}
		all := c.Procs == c.cpus
		switch {
		case all && c.homed():
			over = append(over, c.over(c.flat))
			overBest = append(overBest, min(c.over(c.flat), c.over(c.touch), c.over(c.spread)))
			overStatic = append(overStatic, c.over(c.static))
			local = append(local, math.Floor(10*c.numa.Mid(harness.MemoryLocal))/10)
			bound = append(bound, c.numa.Mid(harness.OverBound))
			wrongAll = append(wrongAll, c.over(c.wrong))
			wrongLocal = append(wrongLocal, c.wrong.Mid(harness.MemoryLocal))
		default:
			rest++
			if c.over(c.flat) >= harness.AtLeast {
				met++
			} else {
				short = append(short, fmt.Sprintf("%s on %d Ps of %s (%.2f)", c.Workload, c.Procs, c.Topo, c.over(c.flat)))
			}
		}
		switch {
		case c.Homed() && !all:
			part = append(part, c.over(c.spread))
			if v := part[len(part)-1]; v == least(part) {
				b.set("spreadBest", "%s on %d Ps of %s", c.Workload, c.Procs, c.Topo)
			}
		case !c.Homed() && all:
			tree = append(tree, c.over(c.static))
			if v := tree[len(tree)-1]; v == least(tree) {
				b.set("staticBest", "%s on %s", c.Workload, c.Topo)
			}
		}
		if !c.Homed() && c.Procs*c.nodes <= c.cpus {
			lock = append(lock, c.over(c.flat)) // all Ps of numa are on one node
		}
		if c.Workload == "fib" {
			v := 1 / c.over(c.near)
			near = append(near, v)
			nearCells++
			if v > 1 {
				nearFaster++
			}
			if v > best {
				best = v
				b.set("nearBest", "%d Ps of %s", c.Procs, c.Topo)
			}
		}
	}
	for _, t := range b.runs["sim-findings"].Meta.Topologies {
		assumed = append(assumed, float64(len(t.Assumed)))
	}
	b.holds(least(over) > much, "numa is much faster than flat on memory-bound work whose data has homes")
	b.holds(most(wrongLocal) <= 10, "few of numa-wrongmap's bytes are local")
	b.holds(least(wrongAll) > 1, "numa is faster than numa-wrongmap")
	b.setRange("homedOver", over, "%.2f")
	b.setRange("homedLocal", local, "%.1f")
	b.setRange("homedBound", bound, "%.2f")
	b.set("homedCells", "%d", len(over))
	b.set("elseMet", "%d", met)
	b.set("elseAll", "%d", rest)
	b.set("elseShort", "%s", list(short))
	b.setRange("wrongAll", wrongAll, "%.2f")
	b.setRange("homedOverBest", overBest, "%.2f")
	b.setRange("homedOverStatic", overStatic, "%.2f")
	b.setRange("wrongLocal", wrongLocal, "%.0f")
	b.holds(least(part) < 1 && least(tree) < 1, "numa loses to interleave on a part of a machine, and to static on trees of small tasks")
	b.set("spreadLow", "%.2f", least(part))
	b.set("spreadFaster", "%d", below(part, 1))
	b.set("spreadCells", "%d", len(part))
	b.set("staticLow", "%.2f", least(tree))
	b.set("staticFaster", "%d", below(tree, 1))
	b.set("staticCells", "%d", len(tree))
	b.setRange("near", near, "%.2f")
	b.setRange("lock", lock, "%.2f")
	b.set("lockCells", "%d", len(lock))
	b.set("nearFaster", "%d", nearFaster)
	b.set("nearCells", "%d", nearCells)
	b.setRange("assumed", assumed, "%.0f")
}

// below counts the values that are less than v.
func below(values []float64, v float64) (n int) {
	for _, x := range values {
		if x < v {
			n++
		}
	}
	return n
}

// losses sets where numa loses, on simulated machines.
func (b *book) losses() {
	var light, onenode, storm []float64
	for run, name := range map[string]string{"sim-losses": "wakestormEach", "sim-losses-seed2": "wakestormOtherSeed"} {
		var each []string
		for _, c := range b.cells(run) {
			times := 1 / c.over(c.flat) // of the time
			switch c.Workload {
			case "onenode":
				if strings.Contains(c.Params, "bytes=") {
					onenode = append(onenode, times)
				} else {
					light = append(light, times)
				}
			case "wakestorm":
				storm = append(storm, times)
				each = append(each, fmt.Sprintf("%.2f on %s", times, c.Topo))
			}
		}
		b.set(name, "%s", list(each))
	}
	b.holds(least(onenode) > 1 && least(light) > 1 && most(storm) < 1,
		"numa loses on onenode, with memory and without, and not on wakestorm")
	b.setRange("onenode", onenode, "%.2f")
	b.setRange("onenodeLight", light, "%.2f")
	b.setRange("wakestorm", storm, "%.2f")
	b.set("lossesCommand", "%s", strings.Join(b.runs["sim-losses"].Meta.Command, " "))
}

// calibration sets how far simulation is from the host that was calibrated.
func (b *book) calibration(machine, prefix string) {
	path := filepath.Join(b.root, "results", "reference-calibration-"+machine, "compare.txt")
	f, err := os.Open(path)
	if err != nil {
		b.fail("%v", err)
		return
	}
	defer f.Close()
	var own []float64
	var middle, worst float64
	workloads := map[string]bool{}
	in := bufio.NewScanner(f)
	for in.Scan() {
		// The last line, or one such as: fib  1  36.6 ns/task  37.9  36.8  +0.5 %
		if _, err := fmt.Sscanf(in.Text(), "error: median %f %%, maximum %f %%", &middle, &worst); err == nil {
			continue
		}
		w := strings.Fields(in.Text())
		if len(w) != 8 || !strings.HasPrefix(w[3], "ns/") || w[7] != "%" {
			continue
		}
		v, err := strconv.ParseFloat(w[6], 64)
		if err != nil {
			b.fail("%s: %q: %v", path, in.Text(), err)
			return
		}
		workloads[w[0]] = true
		if slices.Contains(ownCost, w[0]) {
			own = append(own, math.Abs(v))
		}
	}
	if err := in.Err(); err != nil || worst == 0 || len(own) == 0 {
		b.fail("%s: want lines such as fib 1 36.6 ns/task 37.9 36.8 +0.5 %% and error: median 25 %%, maximum 81 %% (%v)", path, err)
		return
	}
	b.set(prefix+"Median", "%.0f", middle)
	b.set(prefix+"Most", "%.0f", worst)
	b.set(prefix+"Workloads", "%d", len(workloads))
	b.set(prefix+"OwnMedian", "%.0f", median(own))
	b.set(prefix+"Own", "%s", list(ownCost))
}

// ownCost are the workloads whose cost is neither Go's allocator and collector
// nor the kernel's locks nor loops whose cycles are counted by hand.
var ownCost = []string{"fib", "spawn", "parfor", "triad", "heat", "cilksort", "uts", "pingpong", "actorring", "wakestorm", "onenode", "allocfree"}

// least and most return infinities where there is nothing.
func least(vs []float64) float64 { return slices.Min(append(vs[:len(vs):len(vs)], math.Inf(1))) }
func most(vs []float64) float64  { return slices.Max(append(vs[:len(vs):len(vs)], math.Inf(-1))) }

// median is the one that experiments calibrate --compare prints: of two in the
// middle, the larger.
func median(vs []float64) float64 { return slices.Sorted(slices.Values(vs))[len(vs)/2] }

// list writes "a, b and c", or "none".
func list(items []string) string {
	switch n := len(items); n {
	case 0:
		return "none"
	case 1:
		return items[0]
	default:
		return strings.Join(items[:n-1], ", ") + " and " + items[n-1]
	}
}
