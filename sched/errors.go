package sched

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// ErrClosed says that the scheduler has been closed.
var ErrClosed = errors.New("sched: closed")

// A PanicError says that a G panicked.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // its stack, as debug.Stack gives it
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("sched: panic in a G: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap returns the value that the G panicked with, if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A DeadlockError says that every G waits for another.
type DeadlockError struct {
	Gs   []BlockedG // some of those that wait, in the order in which their stacks were made
	More int        // how many more there are
}

// A BlockedG is a G that waits.
type BlockedG struct {
	ID   uint32 // as events and the lines of SchedTrace name it
	Why  WaitReason
	Func string // that it was started with
	Pos  string // where that is, as file:line; "" of a method value, which has no place

	// Under Config.Debug alone, since to find them out costs every G that is started or parks.

	Started string        // where the Go, Fork or Run is that started it, as file:line; "": a Timer has
	Waited  time.Duration // how long it had waited when the deadlock was found
}

// sameLine reports whether a text of the error needs one line for g and h.
func (g BlockedG) sameLine(h BlockedG) bool {
	return g.Why == h.Why && g.Func == h.Func && g.Pos == h.Pos && g.Started == h.Started
}

const (
	blockedMax   = 1000 // Gs in a DeadlockError
	blockedLines = 20   // of them in its text
	blockedIDs   = 5    // Gs that a line names
)

func (e *DeadlockError) Error() string {
	var text strings.Builder
	text.WriteString("sched: all Gs are asleep - deadlock!")
	rest := e.Gs
	for line := 0; line < blockedLines && len(rest) > 0; line++ {
		n := 1
		for n < len(rest) && rest[n].sameLine(rest[0]) {
			n++
		}
		describeBlocked(&text, rest[:n])
		rest = rest[n:]
	}
	if e.More > 0 || len(rest) > 0 {
		text.WriteString("\n\tand others")
	}
	return text.String()
}

// describeBlocked writes the line for Gs that need one only.
func describeBlocked(text *strings.Builder, gs []BlockedG) {
	g := gs[0]
	if len(gs) == 1 {
		fmt.Fprintf(text, "\n\tG %d [%s", g.ID, g.Why)
	} else {
		fmt.Fprintf(text, "\n\t%d Gs (", len(gs))
		for i, g := range gs[:min(len(gs), blockedIDs)] {
			if i > 0 {
				text.WriteString(", ")
			}
			fmt.Fprint(text, g.ID)
		}
		if len(gs) > blockedIDs {
			text.WriteString(", ...")
		}
		fmt.Fprintf(text, ") [%s", g.Why)
	}
	least, most := g.Waited, g.Waited
	for _, g := range gs {
		least, most = min(least, g.Waited), max(most, g.Waited)
	}
	switch {
	case most == 0:
	case least == most:
		fmt.Fprintf(text, " for %v", most)
	default:
		fmt.Fprintf(text, " for %v to %v", least, most)
	}
	fmt.Fprintf(text, "]: %s", g.Func)
	if g.Pos != "" {
		fmt.Fprintf(text, " (%s)", g.Pos)
	}
	if g.Started != "" {
		fmt.Fprintf(text, ", started at %s", g.Started)
	}
}

// deadlock returns the error for a scheduler in which every G waits. s.lock is held.
func (m *M) deadlock() *DeadlockError {
	s, now := m.s, int64(0)
	if s.mayAsk == watched {
		now = s.machine.Nanotime(&m.M)
	}
	e := new(DeadlockError)
	for c := range s.allc.all {
		g := c.parked
		if g == nil {
			continue
		}
		if len(e.Gs) == blockedMax {
			e.More++
			continue
		}
		name, pos := g.start()
		b := BlockedG{ID: g.ID(), Why: g.why, Func: name, Pos: pos}
		if s.mayAsk == watched && g.rest != nil {
			b.Waited = time.Duration(now - g.rest.since)
			if g.rest.started != nil {
				b.Started = *g.rest.started
			}
		}
		e.Gs = append(e.Gs, b)
	}
	slices.Reverse(e.Gs)
	return e
}

// start returns the function that g was started with, and where it is. Of a method value the
// compiler makes a function with -fm behind its name, in no file.
func (g *G) start() (name, pos string) {
	pc := reflect.ValueOf(g.task).Pointer()
	if g.task == nil {
		data := g.arg.Data
		if w, ok := data.(wrapped); ok {
			data = w.user()
		}
		pc = reflect.ValueOf(data).Pointer()
	} else if g.rest != nil && g.rest.frame != nil {
		if fn, task := g.rest.frame.(interface{ forked() (fn, task uintptr) }).forked(); task == pc {
			pc = fn
		}
	}
	fn := runtime.FuncForPC(pc)
	if method, ok := strings.CutSuffix(fn.Name(), "-fm"); ok {
		return method, ""
	}
	file, line := fn.FileLine(pc)
	return fn.Name(), fmt.Sprintf("%s:%d", file, line)
}

// ownPackage begins the names of this package's functions.
var ownPackage = reflect.TypeFor[G]().PkgPath() + "."

// caller returns where the nearest caller outside of the scheduler is, or nil if a timer calls.
func caller() *string {
	pcs := make([]uintptr, 32)
	for frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)]); ; {
		f, more := frames.Next()
		if f.Function == ownPackage+"fireFunc" || !more {
			return nil
		}
		if !strings.HasPrefix(f.Function, ownPackage) {
			at := fmt.Sprintf("%s:%d", f.File, f.Line)
			return &at
		}
	}
}

// errThreadLocked is what a G panics with that would block, and errEndedLocked with
// that has ended, while it is locked to its thread: see carrier.
var (
	errThreadLocked = errors.New("sched: a G cannot block while it is locked to its thread, " +
		"by runtime.LockOSThread, in a Work or because C calls back: unlock it before it yields, waits, sends or receives")
	errEndedLocked = errors.New("sched: a G has ended without runtime.UnlockOSThread: it was locked to its thread")
)

// errInSyscall is what the function of a system call panics with if it uses its G.
var errInSyscall = errors.New("sched: the function of a Syscall has used a G: it runs without a P, and may not")

// errEnded, errOtherG and errRunInG are what misuse of a G panics with, some of it only
// under Config.Debug.
var (
	errEnded  = errors.New("sched: a *G was used after its function had returned: use the one that the running function got")
	errOtherG = errors.New("sched: a *G was used by what it does not run: use the one that the running function got, not that of an outer function")
	errDoInG  = errors.New("sched: Do in a G of the same scheduler, which would keep the P that the new G may need: use Go, Fork or a Group")
	errRunInG = errors.New("sched: Run in a G of the same scheduler, which would keep the P that the new G may need: use Go, Fork or a Group")
)

// errNilFunc is what starting a G with a nil function panics with.
var errNilFunc = errors.New("sched: a G with a nil function: want a function to run")

// errNilCase is what a Select with a nil Case panics with.
var errNilCase = errors.New("sched: Select with a nil Case: want one made by RecvCase or SendCase")

// errSendClosed is what a send to a closed channel panics with.
var errSendClosed = errors.New("sched: send on closed channel")

// errOtherScheduler and its like are what misuse panics with.
var (
	errZeroChan       = errors.New("sched: a Chan that was not made by NewChan")
	errZeroSemaphore  = errors.New("sched: a Semaphore that was not made by NewSemaphore")
	errNoLocker       = errors.New("sched: Wait for a Cond without L: want the Mutex or RWMutex that guards what it waits for")
	errNilOnce        = errors.New("sched: Once.Do with a nil function: want a function to run")
	errNilScheduler   = errors.New("sched: a Chan or Semaphore for a nil scheduler: want the one whose Gs will use it")
	errNilContext     = errors.New("sched: a nil context: want context.Background(), if there is none")
	errOtherSemaphore = errors.New("sched: a Semaphore of another scheduler: a G may use those that NewSemaphore made for its own scheduler only")
	errOtherTimer     = errors.New("sched: a Timer or Ticker of another scheduler: a G may use those of its own scheduler only")
	errOtherScheduler = errors.New("sched: a Chan of another scheduler: a G may use Chans that NewChan made for its own scheduler only")
	errOtherProcs     = errors.New("sched: SetProcs of another scheduler than the G's: pass a G of the scheduler itself, or nil outside of it")
	errNotOwner       = errors.New("sched: a Group of another G: only the G that first used a Group may add members and wait, and a member may not add members")
	errTwoWaiters     = errors.New("sched: two Gs wait for the same descriptor, and in the same way: only one may")
	errZeroTimer      = errors.New("sched: a Timer that was not made by NewTimer or AfterFunc, or a Ticker that was not made by NewTicker")
	errTick           = errors.New("sched: a Ticker with an interval of 0 or less: want more")
	errSharedLock     = errors.New("sched: a Mutex, RWMutex, Cond or Once of another scheduler: it belongs to the one whose G first uses it")
	errCopiedCond     = errors.New("sched: a Cond was copied after its first use: pass a pointer")
	errUnlocked       = errors.New("sched: Unlock of an unlocked Mutex")
	errRUnlocked      = errors.New("sched: RUnlock of an RWMutex that is not locked for reading")
	errRWUnlocked     = errors.New("sched: Unlock of an RWMutex that is not locked for writing")
	errLimitLate      = errors.New("sched: SetLimit of an ErrGroup that has members: want it before the first Go")
	errReleased       = errors.New("sched: Release of more than was acquired of a Semaphore")
	errNotChild       = errors.New("sched: Join of what is not a child of this G, or was joined before")
)

// panicked is called while g's panic unwinds its stack, with what was
// recovered. It stops the scheduler, as a panic ends a Go program, and goes on
// unwinding: outer, if not nil, runs g inline and cannot go on either. Its
// deferred functions run where g was, which may be another M than outer's last.
//
// Only a cancelled G may panic with errCancelled in silence. Another G may have the
// value from one that it was recovered in.
func (g *G) panicked(value any, outer *G) {
	if value == nil && calledGoexit() {
		value = errGoexit
	}
	if value != errCancelled || g.barred != cancelled {
		g.m.stop(&PanicError{Value: value, Stack: debug.Stack()})
	}
	if outer != nil {
		outer.m, outer.barred = g.m, cancelled
	}
	panic(errCancelled)
}

// endedLocked returns the error for g, which has ended locked to its thread. Its stack
// is gone; what it ran is what is left to say.
func (g *G) endedLocked() *PanicError {
	name, pos := g.start()
	return &PanicError{Value: errEndedLocked, Stack: fmt.Appendf(nil, "the G ran %s\n\t%s\n", name, pos)}
}

// errQuiesceInG is what Quiesce panics with in a G.
var errQuiesceInG = errors.New("sched: Quiesce in a G, which would wait for itself: call it outside of Run")

// runsG reports whether the calling goroutine runs a G, of any scheduler. It reads the
// stack, which takes microseconds.
func runsG() bool {
	pcs := make([]uintptr, 1024)
	for frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)]); ; {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, "/sched.(*G).invoke") || strings.HasSuffix(f.Function, "/sched.(*G).Join") ||
			strings.Contains(f.Function, "/sched.(*G).runInline") || strings.Contains(f.Function, "/sched.Forked[") {
			return true
		}
		if !more {
			return false
		}
	}
}

// calledGoexit reports whether a deferred function runs because of
// [runtime.Goexit], rather than because of panic(nil), which GODEBUG=panicnil=1
// allows. recover returns nil for both.
func calledGoexit() bool {
	pcs := make([]uintptr, 32)
	for frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)]); ; {
		f, more := frames.Next()
		switch f.Function {
		case "runtime.Goexit":
			return true
		case "runtime.gopanic":
			return false
		}
		if !more {
			return false
		}
	}
}

// inGoexit reports whether a deferred function runs, directly or because of a panic in
// another one, while [runtime.Goexit] ends the goroutine.
func inGoexit() bool {
	pcs := make([]uintptr, 64)
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		for frames := runtime.CallersFrames(pcs[:n]); n > 0; {
			f, more := frames.Next()
			if f.Function == "runtime.Goexit" {
				return true
			}
			if !more {
				break
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

// checkdead is called by an M that is about to sleep when all Ps were idle. With
// every Node locked, no P can stop being idle and nothing can be queued, so that
// if all Ps are idle and all queues empty no M with a P holds a G. If nretaken is 0, no
// M without a P does either. If no P has a timer and no G waits for a descriptor, none will
// come. If noutside is 0, nobody outside wakes a G. Run queues its G under
// Sched.lock. So no G will ever be ready again.
func (m *M) checkdead() {
	s := m.s
	s.lock.lock(m)
	var err *DeadlockError
	if len(s.runs) > 0 {
		if idle, waits := m.allIdle(); idle && !waits && s.noutside.load(m) == 0 && m.allForgotten() {
			err = m.deadlock()
		}
	}
	s.lock.unlock(m)
	if err != nil {
		m.stop(err)
	}
}

// allForgotten is allIdle, and reports whether nobody is to wake a G. checkdead has looked already,
// but at one thing after another: somebody outside may have woken a G in between, which has run, and
// has counted itself out.
func (m *M) allForgotten() bool {
	nodes := m.nodes()
	for _, n := range nodes {
		n.lock.lock(m)
	}
	idle, waits := m.allIdleLocked(nodes)
	idle = idle && !waits && m.s.noutside.load(m) == 0 // a guest that leaves looks again, see awaitVisit
	for _, n := range nodes {
		n.lock.unlock(m)
	}
	return idle
}

// allIdle reports whether every P is idle, every queue is empty, and no G is in a system
// call; and, if so, whether there are timers or Gs that wait for descriptors.
func (m *M) allIdle() (idle, waits bool) {
	nodes := m.nodes()
	for _, n := range nodes {
		n.lock.lock(m)
	}
	idle, waits = m.allIdleLocked(nodes)
	for _, n := range nodes {
		n.lock.unlock(m)
	}
	return idle, waits
}

// allIdleLocked is allIdle for who holds the locks of all Nodes.
func (m *M) allIdleLocked(nodes []*Node) (idle, waits bool) {
	s := m.s
	idle = m.count().allIdle()
	for _, n := range nodes {
		idle = idle && !m.queued(n)
	}
	idle = idle && s.nretaken.load(m) == 0
	for _, n := range nodes {
		waits = waits || idle && n.pollUntil(m) != 0
	}
	return idle, waits
}
