package workload

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"numasched/sched"
)

// taskBench is Task Bench (Slaughter et al., SC 2020): a grid of points that takes a number
// of steps. A task is a point at a step. It needs the outputs of some points of the step
// before; the pattern says which. There is no barrier between steps: whoever makes the last
// input of a task starts it, at its point's home.
//
//	0 trivial         nothing
//	1 stencil_1d      the point itself and both neighbours
//	2 fft             the point itself and those at a distance of 1, 2, 4 ... in turn
//	3 tree            point p needs p/2, and a step has twice as many points as the one
//	                  before, until there are all
//	4 random_nearest  the point itself, and each of its four nearest with a chance of 1/4;
//	                  three steps in turn choose differently
//
// What Task Bench is for is METG(50 %), the minimum effective task granularity: how short
// tasks may be while the Ps still spend half of their time in them. So a run takes the grid
// several times, with tasks of 16 steps of computation, then of 32, and so on up to ops.
// The efficiency at a length is the computation done per second, as a share of what is done
// when all Ps just compute. The granularity is the time for a task, times the Ps. The METG
// is the granularity at which the efficiency reaches 50 %, interpolated between two
// lengths. If that is not reached, there is no METG, and ops must be larger.
var taskBench = &Workload{
	Name: "taskbench",
	Doc:  "Task Bench: tasks that need some of the last step's, ever longer ones; METG(50 %), how short they may be",
	Unit: "task",
	Params: []Param{
		{Name: "pattern", Doc: "0 trivial, 1 stencil_1d, 2 fft, 3 tree, 4 random_nearest", Default: 1, Min: 0, Max: 4},
		{Name: "width", Doc: "points for each P", Default: 4, Min: 1, Max: 1 << 16},
		{Name: "steps", Doc: "steps of the grid, for each length of tasks", Default: 100, Quick: 4, Min: 1, Max: 1 << 20},
		{Name: "ops", Doc: "steps of computation of the longest tasks, about 1 ns each", Default: 1 << 16, Quick: 1 << 14, Min: shortestTask, Max: 1 << 30},
		{Name: "bytes", Doc: "bytes of a task's output", Default: 16, Min: 8, Max: 1 << 30},
	},
	New: func(p Params) (*Instance, error) {
		t := &taskGrid{pattern: int(p["pattern"]), perP: int(p["width"]), steps: int(p["steps"]), words: int(p["bytes"]) / 8}
		for ops := int64(shortestTask); ops <= p["ops"]; ops *= 2 {
			t.lengths = append(t.lengths, taskLength{ops: ops})
		}
		in := &Instance{Check: t.check, Warmed: t.forget}
		in.Setup = func(s *sched.Sched) error {
			err := t.setup(s)
			in.Tasks = int64(len(t.tasks)) * int64(len(t.lengths))
			return err
		}
		in.Run = func(g *sched.G) error {
			t.speed(taskSpeed(g, t.procs))
			return t.run(in, func() float64 { return t.through(g) })
		}
		in.Stock = func() error {
			t.speed(taskSpeedStock(t.procs))
			return t.run(in, t.throughStock)
		}
		return in, nil
	},
}

const (
	shortestTask = 16      // steps of computation
	speedSteps   = 1 << 18 // with which the Ps' speed is measured
)

// A taskGrid is a grid, and what its runs have taken.
type taskGrid struct {
	pattern, perP, steps, words int

	procs, width int
	tasks        []gridTask    // by steps, then by points
	first        []int         // of each step, in tasks
	roots        [][]*gridTask // that need nothing, by home
	outputs      []block[uint64]
	lengths      []taskLength
	step         float64 // ns for a step of computation when all Ps compute, the least so far

	// Of the way through the grid that is going on:
	ops   int64
	left  atomic.Int64          // tasks that have not ended
	early atomic.Bool           // a task ended whose inputs had not all been made
	done  *sched.Chan[struct{}] // told by the last task
}

// A gridTask is a point at a step.
type gridTask struct {
	step, point int
	from, to    []*gridTask // whose outputs it needs, and who need its own
	missing     atomic.Int32
	made        bool // its output, in this way through the grid
	data        []uint64
	work        sched.Work
	kernel      func()
	home        sched.Placement
	onG         func(g *sched.G)
}

// A taskLength is what all ways through the grid with tasks of one length have taken.
type taskLength struct {
	ops   int64
	ways  int
	total float64 // ns
}

// widthAt returns how many points a step has.
func (t *taskGrid) widthAt(step int) int {
	if t.pattern == 3 && step < bits.Len(uint(t.width)) {
		return min(t.width, 1<<step)
	}
	return t.width
}

// needs returns the points of the step before whose outputs a point needs.
func (t *taskGrid) needs(step, point int) (points []int) {
	if step == 0 {
		return nil
	}
	add := func(ps ...int) {
		for _, p := range ps {
			if p >= 0 && p < t.widthAt(step-1) {
				points = append(points, p)
			}
		}
	}
	switch t.pattern {
	case 1:
		add(point-1, point, point+1)
	case 2:
		distance := 1 << ((step - 1) % max(1, bits.Len(uint(t.width-1))))
		add(point-distance, point, point+distance)
	case 3:
		add(point / 2)
	case 4:
		for p := point - 2; p <= point+2; p++ {
			if p == point || mix64(uint64(step%3)<<60+uint64(point)<<8+uint64(p-point+2))%4 == 0 {
				add(p)
			}
		}
	}
	return points
}

func (t *taskGrid) setup(s *sched.Sched) (err error) {
	t.procs = procsOf(s)
	t.width, t.step = t.perP*t.procs, math.Inf(1)
	t.forget()
	// The outputs of a point at all steps lie together, at the point's home.
	if t.outputs, err = newArray[uint64](s, t.width*t.steps*t.words, t.steps*t.words); err != nil {
		return err
	}
	t.first, t.roots = nil, nil
	n := 0
	for step := range t.steps {
		t.first = append(t.first, n)
		n += t.widthAt(step)
	}
	t.tasks = make([]gridTask, n)
	for step, first := range t.first {
		for point := range t.widthAt(step) {
			task, lies := &t.tasks[first+point], &t.outputs[point]
			task.step, task.point, task.home = step, point, at(lies.node)
			if lies.data != nil {
				task.data = lies.data[step*t.words:][:t.words]
			}
			out := lies.span
			out.Off, out.Len = out.Off+int64(step*t.words)*8, int64(t.words)*8
			task.work = sched.Work{Kernel: "spin", Writes: []sched.Span{out}}
			for _, p := range t.needs(step, point) {
				from := &t.tasks[t.first[step-1]+p]
				task.from = append(task.from, from)
				from.to = append(from.to, task)
				task.work.Reads = append(task.work.Reads, from.work.Writes[0])
			}
			if len(task.from) == 0 {
				if n := len(t.roots); n == 0 || t.roots[n-1][0].home != task.home {
					t.roots = append(t.roots, nil)
				}
				t.roots[len(t.roots)-1] = append(t.roots[len(t.roots)-1], task)
			}
			task.kernel = func() { task.make(t.ops) }
			task.onG = func(g *sched.G) {
				w := task.work
				w.Ops = t.ops * spinOps
				g.Work(w, task.kernel)
				if t.end(task, func(next *gridTask) { g.GoAt(next.home, next.onG) }) {
					t.done.Send(g, struct{}{})
				}
			}
		}
	}
	return nil
}

// make computes a task's output from its inputs.
func (task *gridTask) make(ops int64) {
	x := uint64(task.step)<<32 + uint64(task.point)
	for _, from := range task.from {
		for _, v := range from.data {
			x = mix64(x + v)
		}
	}
	x = spin(x, ops)
	for i := range task.data {
		task.data[i] = x + uint64(i)
	}
}

// end notes that a task has ended. It starts those whose last input it has made, and
// reports whether it was the last task of all.
func (t *taskGrid) end(task *gridTask, start func(*gridTask)) (last bool) {
	for _, from := range task.from {
		if !from.made {
			t.early.Store(true)
		}
	}
	task.made = true
	for _, next := range task.to {
		if next.missing.Add(-1) == 0 {
			start(next)
		}
	}
	return t.left.Add(-1) == 0
}

// through takes the grid once under the scheduler and returns how many ns that took.
func (t *taskGrid) through(g *sched.G) float64 {
	t.begin()
	t.done = sched.NewChan[struct{}](g.Sched(), 1)
	start := g.Nanotime()
	for _, roots := range t.roots {
		g.GoAt(roots[0].home, func(g *sched.G) {
			for _, task := range roots {
				g.GoAt(task.home, task.onG)
			}
		})
	}
	t.done.Recv(g)
	return float64(g.Nanotime() - start)
}

// throughStock is through in goroutines.
func (t *taskGrid) throughStock() float64 {
	t.begin()
	var done sync.WaitGroup
	var start func(*gridTask)
	run := func(task *gridTask) {
		task.kernel()
		if t.end(task, start) {
			done.Done()
		}
	}
	start = func(task *gridTask) { go run(task) }
	done.Add(1)
	began := time.Now()
	for _, roots := range t.roots {
		for _, task := range roots {
			start(task)
		}
	}
	done.Wait()
	return float64(time.Since(began))
}

// forget forgets what the ways so far have taken.
func (t *taskGrid) forget() {
	for i := range t.lengths {
		t.lengths[i].ways, t.lengths[i].total = 0, 0
	}
}

// begin prepares a way through the grid.
func (t *taskGrid) begin() {
	for k := range t.tasks {
		task := &t.tasks[k]
		task.missing.Store(int32(len(task.from)))
		task.made = false
	}
	t.left.Store(int64(len(t.tasks)))
}

// run takes the grid once with tasks of each length, and computes the METG of all runs.
func (t *taskGrid) run(in *Instance, through func() float64) error {
	for i := range t.lengths {
		l := &t.lengths[i]
		t.ops = l.ops
		l.total += through()
		l.ways++
		if t.early.Load() {
			return fmt.Errorf("taskbench: a task of %d steps of computation ended before its inputs were made", l.ops)
		}
	}
	if ns, ok := t.metg(); ok {
		in.Report(ns, "metg-ns")
	}
	return nil
}

// metg returns the granularity, in ns, at an efficiency of 50 %. Between two lengths its
// logarithm is linear in that of the efficiency.
func (t *taskGrid) metg() (ns float64, ok bool) {
	var shorter, shorterNs float64
	for _, l := range t.lengths {
		ns := l.total / float64(l.ways) / float64(len(t.tasks)) * float64(t.procs)
		efficiency := float64(l.ops) * t.step / ns
		switch {
		case efficiency < 0.5:
			shorter, shorterNs = efficiency, ns
		case shorter == 0: // even the shortest are long enough
			return ns, true
		default:
			f := math.Log(0.5/shorter) / math.Log(efficiency/shorter)
			return shorterNs * math.Pow(ns/shorterNs, f), true
		}
	}
	return 0, false
}

// speed notes how many ns each P has just taken for speedSteps steps of computation.
func (t *taskGrid) speed(ns []int64) {
	slices.Sort(ns)
	t.step = min(t.step, float64(ns[len(ns)/2])/speedSteps)
}

// taskSpeed has all Ps compute at the same time.
func taskSpeed(g *sched.G, procs int) []int64 {
	ns := make([]int64, procs)
	var gr sched.Group
	for i := range ns {
		g.Allocated(2) // closures
		gr.Go(g, func(g *sched.G) {
			start := g.Nanotime()
			g.Work(sched.Work{Kernel: "spin", Ops: speedSteps * spinOps}, func() { sink(spin(uint64(i), speedSteps)) })
			ns[i] = g.Nanotime() - start
		})
	}
	gr.Wait(g)
	return ns
}

func taskSpeedStock(procs int) []int64 {
	ns := make([]int64, procs)
	stockLoop(procs, func(i int) {
		start := time.Now()
		sink(spin(uint64(i), speedSteps))
		ns[i] = int64(time.Since(start))
	})
	return ns
}

// check computes alone what the last way through the grid has left.
func (t *taskGrid) check(*sched.Sched) error {
	want := make([]uint64, len(t.tasks)) // first words of outputs
	for k := range t.tasks {
		task := &t.tasks[k]
		if task.data == nil {
			return nil
		}
		x := uint64(task.step)<<32 + uint64(task.point)
		for _, p := range t.needs(task.step, task.point) {
			for i := range t.words {
				x = mix64(x + want[t.first[task.step-1]+p] + uint64(i))
			}
		}
		want[k] = spin(x, t.ops)
		for i, got := range task.data {
			if got != want[k]+uint64(i) {
				return fmt.Errorf("taskbench: word %d of point %d at step %d is %#x, want %#x", i, task.point, task.step, got, want[k]+uint64(i))
			}
		}
	}
	return nil
}
