package explorer

import (
	"fmt"
	"io"
	"sync"
	"time"

	"numasched/experiments/progress"
	"numasched/sched/sim/explore"
)

// An shownProgress shows the progress of the jobs of Run: first the
// systematic searches of all cells, then the random ones.
type shownProgress struct {
	lock  sync.Mutex
	show  func(progress.Step)
	hide  func()
	start time.Time
	most  []int64 // interleavings that a job tries at most
	tried []int64 // interleavings that a job has tried
	ended int     // jobs that have ended
}

func newShown(cells []Cell, show func(progress.Step), hide func()) *shownProgress {
	e := &shownProgress{show: show, hide: hide, start: time.Now(), tried: make([]int64, 2*len(cells))}
	for _, c := range cells {
		e.most = append(e.most, c.Config.Limit)
	}
	for _, c := range cells {
		e.most = append(e.most, c.Config.PCT)
	}
	return e
}

// report shows what a job has covered so far.
func (e *shownProgress) report(job int, r *explore.Report) {
	e.lock.Lock()
	defer e.lock.Unlock()
	e.tried[job] = r.Executions()
	what := fmt.Sprintf("%s %s random", r.Program, r.Arm)
	if n := len(r.Bounds); n > 0 {
		what = fmt.Sprintf("%s %s bound %d", r.Program, r.Arm, r.Bounds[n-1].Bound)
	}
	e.show(progress.Step{Phase: "exploring", What: fmt.Sprintf("%s: %d tried", what, e.tried[job]), Done: e.ended, Planned: len(e.most), Left: e.left()})
}

// end notes that a job has ended, often before its limit.
func (e *shownProgress) end(job int, r *explore.Report) {
	e.lock.Lock()
	defer e.lock.Unlock()
	e.tried[job] = r.Executions()
	e.most[job] = e.tried[job]
	e.ended++
}

// left is an upper bound of the time that all jobs still take. A systematic search
// ends before its limit when it has tried every interleaving.
func (e *shownProgress) left() string {
	tried, left := int64(0), int64(0)
	for i, n := range e.tried {
		tried += n
		left += e.most[i] - n
	}
	d := progress.Left(time.Duration(float64(time.Since(e.start)) / float64(max(1, tried)) * float64(left)))
	if d == "" {
		return ""
	}
	return "at most " + d
}

// An aboveProgress is standard output on a terminal that also shows progress. It
// hides the progress before each write.
type aboveProgress struct {
	progress *shownProgress
	w        io.Writer
}

func (a aboveProgress) Write(p []byte) (int, error) {
	a.progress.lock.Lock()
	defer a.progress.lock.Unlock()
	a.progress.hide()
	return a.w.Write(p)
}
