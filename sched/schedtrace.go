package sched

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A SchedTrace says how a scheduler describes its state, in lines like those of Go's
// GODEBUG=schedtrace=X,scheddetail=1, with the nodes behind. sysmon writes them when it
// next looks at the Ps, so they come up to 10 ms late. On a simulated machine they come at
// virtual times, change nothing there, and pause while every P is idle.
//
// On a host the environment variable NUMASCHED=schedtrace=1000,scheddetail=1 does the same,
// for schedulers whose Config does not ask for it. What is wrong with the variable is an
// error of [New] even then.
//
// needspinning is always 0. In Go it says that some M has to look for work because a G was
// made ready while the last P became idle. Here the M that makes its P idle looks everywhere
// once more before it sleeps, so nothing has to remember that.
type SchedTrace struct {
	Every  time.Duration // of the machine's time; 0: never
	Detail bool          // a line for every P, M and G, too. Every event then takes a lock
	Out    io.Writer     // nil: the standard error
}

// environment is the variable that New reads on a host.
const environment = "NUMASCHED"

// maxEvery is the longest schedtrace that fits into a Duration, in milliseconds.
const maxEvery = math.MaxInt64 / int64(time.Millisecond)

// parseEnvironment reads what Config.SchedTrace would say.
func parseEnvironment(text string) (t SchedTrace, err error) {
	for field := range strings.SplitSeq(text, ",") {
		if field == "" {
			continue
		}
		key, value, _ := strings.Cut(field, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case key == "schedtrace" && (n > maxEvery || errors.Is(err, strconv.ErrRange)):
			return t, fmt.Errorf("sched: %s: %q: want 0 to %d milliseconds", environment, field, maxEvery)
		case key == "schedtrace" && err == nil && n >= 0:
			t.Every = time.Duration(n) * time.Millisecond
		case key == "scheddetail" && err == nil && (n == 0 || n == 1):
			t.Detail = n == 1
		default:
			return t, fmt.Errorf("sched: %s: %q: want fields schedtrace=MILLISECONDS, scheddetail=0 or scheddetail=1, with commas between", environment, field)
		}
	}
	return t, nil
}

// CheckEnvironment returns what [New] would say of the variable on a host, for programs that do
// much before they come to it.
func CheckEnvironment() error {
	_, err := parseEnvironment(os.Getenv(environment))
	return err
}

// initTrace prepares the lines that cfg or the environment asks for.
func (s *Sched) initTrace(cfg *Config) (err error) {
	t := cfg.SchedTrace
	if t.Every < 0 {
		return fmt.Errorf("sched: Config.SchedTrace.Every is %v: want 0 or more", t.Every)
	}
	asks := "Config has SchedTrace and"
	if s.machine.Memory() == nil {
		asked, err := parseEnvironment(os.Getenv(environment))
		if err != nil {
			return err
		}
		if t.Every == 0 {
			t, asks = asked, environment+" has schedtrace, and Config has"
		}
	}
	if t.Every != 0 && cfg.NoSysmon {
		return fmt.Errorf("sched: %s NoSysmon: want one of them, since sysmon writes the lines", asks)
	}
	if t.Out == nil {
		t.Out = os.Stderr
	}
	s.trace = t
	if t.Every != 0 {
		s.traceStart = s.machine.Nanotime(&s.m0.M)
		s.traceLast = s.traceStart
		if t.Detail {
			s.view = newView()
		}
	}
	return nil
}

// traceDue writes lines if it is time. m is sysmon.
func (m *M) traceDue(now int64) {
	s := m.s
	if s.trace.Every == 0 || now-s.traceLast < int64(s.trace.Every) {
		return
	}
	s.traceLast = now
	var b bytes.Buffer
	m.schedtrace(&b, now)
	s.trace.Out.Write(b.Bytes())
}

// look reads what l protects: where memory is not real nobody else runs, and a lock would
// change what is looked at.
func (m *M) look(l *mutex, read func()) {
	if m.memory == nil {
		l.lock(m)
		defer l.unlock(m)
	}
	read()
}

// schedtrace writes what Go's schedtrace writes, then what is ours. Much of it changes while
// it is read, as with Go's.
func (m *M) schedtrace(b *bytes.Buffer, now int64) {
	s := m.s
	idleMs, searching := 0, 0
	var queues, idle []int
	l := s.layout.v.Load()
	for _, n := range l.nodes {
		m.look(&n.lock, func() {
			idleMs += n.midle.len()
			queues = append(queues, n.runq.n+n.inboxLen())
			idle = append(idle, int(n.nidle.Peek()))
		})
		searching += int(int32(n.nsearch.Peek()))
	}
	sum := 0
	for _, n := range queues {
		sum += n
	}
	fmt.Fprintf(b, "SCHED %dms: gomaxprocs=%d idleprocs=%d threads=%d spinningthreads=%d needspinning=0 idlethreads=%d runqueue=%d",
		(now-s.traceStart)/1e6, census(s.npidle.Peek()).procs(), census(s.npidle.Peek()).idle(), s.nm.Peek(), searching, idleMs, sum)
	ours := fmt.Sprintf(" nodequeues=%v nodeidleprocs=%v\n", goList(queues), goList(idle))
	if !s.trace.Detail {
		var rings, ticks, nodes []int
		for _, p := range l.ps {
			rings = append(rings, p.queued())
			ticks = append(ticks, int(p.peekTick()))
			nodes = append(nodes, p.domain.id)
		}
		fmt.Fprintf(b, " %v schedticks=%v nodes=%v%s", goList(rings), goList(ticks), goList(nodes), ours)
		return
	}
	var ms []*M
	m.look(&s.lock, func() { ms = slices.Clone(s.allm) })
	lockedms, idleLocked := make(map[uint32]int), 0
	s.view.lock.Lock()
	for _, mp := range ms {
		if mp.Locked() && !s.view.m(mp.ID).over {
			lockedms[mp.lockedg.ID()] = mp.ID
			if mp.asleep() {
				idleLocked++
			}
		}
	}
	fmt.Fprintf(b, " gcwaiting=false nmidlelocked=%d stopwait=0 sysmonwait=%v%s", idleLocked, s.sysmonWaits.Peek() != 0, ours)
	defer s.view.lock.Unlock()
	for _, p := range l.ps {
		timers := 0
		m.look(&p.timers.lock, func() { timers = len(p.timers.heap) })
		status := p.status.Peek()
		fmt.Fprintf(b, "  P%d: status=%d schedtick=%d syscalltick=%d m=%s runqsize=%d gfreecnt=%d timerslen=%d node=%d cpu=%d\n",
			p.id, s.view.pStatus(p), p.peekTick(), status/2, orNil(s.view.ms, p.id), p.queued(), p.peekFree(), timers, p.domain.id, p.cpu)
	}
	for i := len(ms) - 1; i >= 0; i-- { // the last that was started first, as in Go
		mp := ms[i]
		v := s.view.m(mp.ID)
		if v.ended {
			continue
		}
		node := -1
		if v.p >= 0 {
			node = s.NodeOfP(v.p)
		}
		lockedg := -1
		if mp.Locked() && !v.over {
			lockedg = int(mp.lockedg.ID())
		}
		fmt.Fprintf(b, "  M%d: p=%s curg=%s mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=%v blocked=%v lockedg=%s node=%d\n",
			mp.ID, number(v.p), number(v.g-1), mp.peekSearching(), mp.asleep(), number(lockedg), node)
	}
	for _, name := range s.view.names() {
		g := s.view.gs[name]
		on, node := "nil", -1
		if g.status == gRunning || g.status == gSyscall {
			on = strconv.Itoa(g.m)
		}
		if g.p >= 0 {
			node = s.NodeOfP(g.p)
		}
		fmt.Fprintf(b, "  G%d: status=%d(%s) m=%s lockedm=%s node=%d\n", name, g.status, g.why, on, orNil(lockedms, name), node)
	}
}

// A goList is printed as Go prints lists in these lines.
type goList []int

func (l goList) String() string {
	var b strings.Builder
	b.WriteString("[ ")
	for _, n := range l {
		fmt.Fprintf(&b, "%d ", n)
	}
	return b.String() + "]"
}

// number returns n, or nil if it is negative.
func number(n int) string {
	if n < 0 {
		return "nil"
	}
	return strconv.Itoa(n)
}

// orNil returns which M has what the key names, or nil if none has.
func orNil[K comparable](held map[K]int, key K) string {
	if m, ok := held[key]; ok {
		return strconv.Itoa(m)
	}
	return "nil"
}

// asleep reports whether m sleeps until it is woken: Go's blocked.
func (m *M) asleep() bool { return m.note.key.Peek() == noteSleeping }

// queued returns how many Gs are in p's ring.
func (p *P) queued() int { return int(ringLen(atomic.LoadUint64(&p.ring.state.v))) }

// The owner of a P or M writes these words plainly, since it must not pay for those who
// look. What they see is some value that was written lately.

//go:norace
func (p *P) peekTick() uint32 { return p.pol.Ticks() }

//go:norace
func (p *P) peekFree() int {
	return p.gfree.n + p.gspare.n + max(int(int32(p.ring.fresh-p.ring.tail)), 0)
}

//go:norace
func (m *M) peekSearching() bool { return m.searching }
