package explore

import (
	"errors"
	"fmt"

	"numasched/sched"
)

// A Program is a small parallel program. Its Gs are numbered: G 0 is what Run
// runs. Every G that is not cancelled must run exactly once.
type Program struct {
	Name string
	Doc  string // one line
	root func(*task)

	MinCPUs int               // that it needs
	MinGs   int               // that it needs; 0 means 1
	want    func(error) error // checks what Run returns; nil: it must return nil
	after   func(*env) error  // checks what has happened when Run has returned; may be nil
	close   bool              // Close is explored too; else it follows when all is over
	cancel  bool              // the caller calls Close instead of waiting for Run
	runs    int               // how often root runs; 0 means once
	looks   int               // that sysmon takes; 0: there is no sysmon
}

// Programs are the programs there are.
var Programs = []Program{
	{Name: "spawn", Doc: "G 0 starts the others and returns", root: func(t *task) {
		for i := 1; i < t.e.gs; i++ {
			t.start(i, func(*task) {})
		}
	}},
	{Name: "steal", Doc: "G 0 puts the others into its own ring and stays busy until they have run elsewhere", MinCPUs: 2, MinGs: 2, root: func(t *task) {
		for i := 1; i < t.e.gs; i++ {
			t.queue(i, func(*task) {})
		}
		t.busyUntil(1, t.e.gs)
	}},
	{Name: "loyal", Doc: "G 0 queues the others at home on its own node and stays busy until they have run elsewhere", MinCPUs: 2, MinGs: 2, root: func(t *task) {
		for i := 1; i < t.e.gs; i++ {
			t.startOn(t.g.Node(), i, func(*task) {})
		}
		t.busyUntil(1, t.e.gs)
	}},
	{Name: "next", Doc: "G 0 starts one other to run next and stays busy until it has run elsewhere", MinCPUs: 2, MinGs: 2, root: func(t *task) {
		t.start(1, func(*task) {})
		t.busyUntil(1, 2)
	}},
	{Name: "barrier", Doc: "as many Gs as CPUs are busy until all of them run: no CPU may idle", MinCPUs: 2, MinGs: 2, root: func(t *task) {
		n := min(t.e.gs, t.e.cpus)
		for i := 1; i < n; i++ {
			t.start(i, func(t *task) { t.busyUntil(0, n) })
		}
		t.busyUntil(0, n)
	}},
	{Name: "park", Doc: "G 0 sends to each of the others, which answers, over unbuffered channels", root: func(t *task) {
		there, back := t.channel(0), t.channel(0)
		for i := 1; i < t.e.gs; i++ {
			t.start(i, func(t *task) { t.send(back, 10+t.recv(there)) })
		}
		sum := 0
		for i := 1; i < t.e.gs; i++ {
			t.send(there, i)
		}
		for i := 1; i < t.e.gs; i++ {
			sum += t.recv(back) - 10
		}
		t.check(sum == t.e.gs*(t.e.gs-1)/2, "the answers add up to %d", sum)
	}},
	{Name: "fork", MinGs: 2, Doc: "G 0 forks the others and joins them; one of them forks another, and both yield", root: func(t *task) {
		n := t.e.gs
		var children []sched.Child
		for i := 1; i < n-1; i++ {
			children = append(children, t.fork(i, func(t *task) int {
				if i == 1 && n > 2 {
					c := t.fork(n-1, func(t *task) int {
						t.yield()
						return t.i
					})
					t.yield()
					return i + t.join(c)
				}
				return i
			}))
		}
		sum := 0
		for len(children) > 0 {
			sum += t.join(children[len(children)-1])
			children = children[:len(children)-1]
		}
		t.check(n <= 2 || sum == n*(n-1)/2, "the children return %d", sum)
	}},
	{Name: "group", Doc: "G 0 waits for half of the others, members of a group, which yield, and again for the rest", root: func(t *task) {
		var gr sched.Group
		for i, half := 1, 1+t.e.gs/2; i < t.e.gs; half = t.e.gs {
			for ; i < half; i++ {
				t.member(&gr, i, func(t *task) { t.yield() })
			}
			t.wait(&gr)
			t.check(t.e.allRan(half), "Wait returned before all members had run")
		}
	}},
	{Name: "yield", Doc: "all Gs yield, two of them twice", root: func(t *task) {
		for i := 1; i < t.e.gs; i++ {
			t.start(i, func(t *task) { t.yield() })
		}
		t.yield()
		t.yield()
	}},
	{Name: "relay", MinCPUs: 2, MinGs: 3, Doc: "G 0 yields and then starts G 2, and until that runs G 1 keeps a CPU: another must take G 0", root: func(t *task) {
		t.queue(1, func(t *task) { t.busyUntil(2, 3) })
		t.yield()
		t.start(2, func(*task) {})
	}},
	{Name: "talk", MinGs: 3, Doc: "G 0 and G 1 wake each other, which must not keep the others, that are queued, from running on an only CPU", root: func(t *task) {
		there, back := t.channel(0), t.channel(0)
		t.start(1, func(t *task) {
			for ok := true; ok; {
				if _, ok = t.tryRecv(there); ok {
					t.send(back, 1)
				}
			}
		})
		for i := 2; i < t.e.gs; i++ {
			t.queue(i, func(*task) {})
		}
		for n := 0; n < 64 && !t.hasRun(2); n++ {
			t.send(there, 1)
			t.recv(back)
		}
		t.closeChan(there)
		t.check(t.hasRun(2) || t.e.cpus > 1, "G 2 has starved")
	}},
	{Name: "chan", Doc: "a buffered channel with more values than room is closed with receivers waiting", root: func(t *task) {
		c, done := t.channel(1), t.channel(t.e.gs)
		for i := 1; i < t.e.gs; i++ {
			t.start(i, func(t *task) {
				n := 0
				for {
					if _, ok := t.tryRecv(c); !ok {
						break
					}
					n++
				}
				t.send(done, n)
			})
		}
		t.send(c, 1)
		t.send(c, 2)
		t.closeChan(c)
		sum := 0
		for i := 1; i < t.e.gs; i++ {
			sum += t.recv(done)
		}
		t.check(sum == 2, "%d values of 2 were received", sum)
	}},
	{Name: "home", Doc: "G 0 talks to the others, which are at home on another node", MinCPUs: 2, MinGs: 2, root: func(t *task) {
		there, back := t.channel(0), t.channel(0)
		for i := 1; i < t.e.gs; i++ {
			t.startOn(t.e.cfg.nodes()-1, i, func(t *task) { t.send(back, t.recv(there)) })
		}
		for i := 1; i < t.e.gs; i++ {
			t.send(there, i)
		}
		for i := 1; i < t.e.gs; i++ {
			t.recv(back)
		}
	}},
	{Name: "again", Doc: "Run is called twice: the second meets Ms that are about to sleep", runs: 2, root: func(t *task) {
		if t.i == 0 && t.e.gs > 2 {
			t.start(2, func(*task) {})
		}
	}},
	{Name: "close", Doc: "G 0 returns while the others run or wait, and Close comes", close: true, root: func(t *task) {
		c := t.channel(0)
		for i := 1; i < t.e.gs; i++ {
			t.start(i, func(t *task) {
				if t.i%2 == 1 {
					t.recv(c) // for ever
				}
			})
		}
	}},
	{Name: "cancel", Doc: "Close comes while Run waits for Gs that run or wait", close: true, cancel: true,
		root: func(t *task) {
			c := t.channel(0)
			for i := 1; i < t.e.gs; i++ {
				t.start(i, func(t *task) { t.send(c, 1) })
			}
			for i := 1; i < t.e.gs; i++ {
				t.recv(c)
			}
		},
		want: wantClosed},
	{Name: "recover", Doc: "Close comes while Run waits for Gs that recover from being cancelled, and then send", MinGs: 2, close: true, cancel: true,
		root: func(t *task) {
			c, d := t.channel(0), t.channel(0)
			var gr sched.Group
			for i := 1; i < t.e.gs; i++ {
				t.member(&gr, i, func(t *task) {
					t.try(func() {
						defer t.send(d, 1)
						t.yield()
						t.recv(c) // for ever
					})
				})
			}
			t.try(func() {
				t.wait(&gr)
				t.check(false, "goes on after a Wait that cannot have ended")
			})
		},
		want: func(err error) error {
			if dead := (*sched.DeadlockError)(nil); errors.Is(err, sched.ErrClosed) || errors.As(err, &dead) {
				return nil
			}
			return fmt.Errorf("neither closed nor a deadlock, but %v", err)
		}},
	{Name: "select", MinGs: 3, Doc: "G 0 selects among receives from two channels, to which the others send, and then one sends by a Select", root: func(t *task) {
		c, d := t.channel(0), t.channel(0)
		for i := 1; i < t.e.gs; i++ {
			t.start(i, func(t *task) {
				if t.i%2 == 1 {
					t.send(c, t.i)
					return
				}
				t.choose(c.SendCase(t.i), d.SendCase(t.i))
			})
		}
		sum := 0
		for range t.e.gs - 1 {
			var v, w int
			if t.choose(c.RecvCase(&v, nil), d.RecvCase(&w, nil)) == 0 {
				sum += v
			} else {
				sum += w
			}
		}
		t.check(sum == t.e.gs*(t.e.gs-1)/2, "received %d in all", sum)
	}},
	{Name: "reselect", MinGs: 2, Doc: "G 0 is served by one case of a Select and then waits elsewhere: nobody must find it at the other case", root: func(t *task) {
		c, d, e := t.channel(0), t.channel(0), t.channel(0)
		for i := 1; i < t.e.gs; i++ {
			t.start(i, func(t *task) {
				t.send(c, 1)
				t.check(!d.TrySend(t.g, 2), "somebody receives from d")
				t.send(e, 3)
			})
		}
		for range t.e.gs - 1 {
			t.choose(c.RecvCase(nil, nil), d.RecvCase(nil, nil))
			t.choose(e.RecvCase(nil, nil))
		}
	}},
	{Name: "syscall", Doc: "Gs make system calls, from which sysmon takes their Ps, and then talk", looks: 3, root: func(t *task) {
		c := t.channel(0)
		for i := 1; i < t.e.gs; i++ {
			t.start(i, func(t *task) {
				t.syscall()
				t.send(c, i)
			})
		}
		for sum := 0; sum < t.e.gs*(t.e.gs-1)/2; {
			sum += t.recv(c)
		}
	}},
	{Name: "interrupt", Doc: "Close comes while Gs make system calls, from which sysmon takes their Ps", looks: 3, close: true, root: func(t *task) {
		for i := 1; i < t.e.gs; i++ {
			t.start(i, func(t *task) { t.syscall() })
		}
		t.syscall()
	}},
	{Name: "late", MinGs: 2, Doc: "the last G returns from a system call and finds that all wait for ever: Run must say so, and not before", looks: 3, close: true,
		root: func(t *task) {
			c := t.channel(0)
			t.start(1, func(t *task) {
				t.syscall()
				t.send(c, 1)
			})
			t.recv(c)
			t.e.heard = true
			t.recv(c)
		},
		after: func(e *env) error {
			if !e.heard {
				return errors.New("a deadlock was reported while a G was in a system call")
			}
			return nil
		},
		want: wantDeadlock},
	{Name: "deadlock", Doc: "all Gs come to wait for ever: Run must say so", close: true,
		root: func(t *task) {
			c := t.channel(0)
			for i := 1; i < t.e.gs; i++ {
				t.start(i, func(t *task) {
					if t.i%2 == 1 {
						t.recv(c)
					}
				})
			}
			t.recv(c)
		},
		want: wantDeadlock},
	{Name: "unwind", MinGs: 2, Doc: "a G in the midst of another's Wait moves and panics, and the other's deferred function frees memory", close: true,
		root: func(t *task) {
			c := t.channel(0)
			for i := 2; i < t.e.gs; i++ {
				t.start(i, func(t *task) { t.recv(c) })
			}
			p, err := t.g.Alloc(16)
			t.check(err == nil, "Alloc: %v", err)
			defer t.g.Free(p)
			var gr sched.Group
			t.member(&gr, 1, func(t *task) {
				t.yield()
				panic(errPlanned)
			})
			t.wait(&gr)
		},
		want: wantPlanned},
	{Name: "panic", MinGs: 2, Doc: "a G panics while others run and wait: Run must return its panic", close: true,
		root: func(t *task) {
			c := t.channel(0)
			for i := 1; i < t.e.gs; i++ {
				t.start(i, func(t *task) {
					if t.i == t.e.gs-1 {
						panic(errPlanned)
					}
					t.recv(c)
				})
			}
			t.recv(c)
		},
		want: wantPlanned},
}

var errPlanned = errors.New("a planned panic")

func wantClosed(err error) error {
	if err != nil && !errors.Is(err, sched.ErrClosed) {
		return err
	}
	return nil
}

func wantDeadlock(err error) error {
	if dead := (*sched.DeadlockError)(nil); !errors.As(err, &dead) {
		return fmt.Errorf("no deadlock reported, but %v", err)
	}
	return nil
}

func wantPlanned(err error) error {
	if !errors.Is(err, errPlanned) {
		return fmt.Errorf("no planned panic reported, but %v", err)
	}
	return nil
}

// ProgramByName returns the program with the given name.
func ProgramByName(name string) (Program, bool) {
	for _, p := range Programs {
		if p.Name == name {
			return p, true
		}
	}
	return Program{}, false
}

// An env is what the Gs of one execution share.
type env struct {
	x        *Machine
	s        *sched.Sched
	cfg      *Config
	gs, cpus int
	ran      [flags]int8 // how often each G began
	expected int         // Gs that were started
	heard    bool        // for a program's own use
}

// allRan reports whether the first n Gs have begun, each once.
func (e *env) allRan(n int) bool {
	for i := range n {
		if e.ran[i] != 1 {
			return false
		}
	}
	return true
}

// A task is a G of a program. Its methods are G's, and keep the books.
type task struct {
	e *env
	g *sched.G
	i int
}

// body returns the function of G i.
func (e *env) body(i int, fn func(*task)) func(*sched.G) {
	e.expected++
	return func(g *sched.G) { e.run(g, i, fn) }
}

func (e *env) run(g *sched.G, i int, fn func(*task)) {
	outer := e.x.cur.g
	t := task{e, g, i}
	t.here()
	e.x.flag(i, sched.RMW)
	e.x.readied++ // some may be busy until now
	if e.ran[i]++; e.ran[i] != 1 {
		e.x.fail(fmt.Errorf("run twice: G %d", i))
	}
	fn(&t)
	e.x.cur.g = outer
}

// flag is an access to the program's own flag i.
func (x *Machine) flag(i int, kind sched.Access) {
	t := x.cur
	x.point(t, i)
	x.touch(t, i, kind)
}

// here notes that t runs on the present thread.
func (t *task) here() { t.e.x.cur.g = t.i }

func (t *task) check(ok bool, format string, args ...any) {
	if !ok {
		t.e.x.fail(fmt.Errorf("in G %d: %s", t.i, fmt.Sprintf(format, args...)))
	}
}

func (t *task) start(i int, fn func(*task))                   { t.g.Go(t.e.body(i, fn)) }
func (t *task) queue(i int, fn func(*task))                   { t.g.GoAt(sched.Default, t.e.body(i, fn)) }
func (t *task) startOn(node, i int, fn func(*task))           { t.g.GoAt(sched.OnNode(node), t.e.body(i, fn)) }
func (t *task) member(gr *sched.Group, i int, fn func(*task)) { gr.Go(t.g, t.e.body(i, fn)) }

func (t *task) wait(gr *sched.Group) {
	gr.Wait(t.g)
	t.here()
}

func (t *task) fork(i int, fn func(*task) int) sched.Child {
	e := t.e
	e.expected++
	return t.g.Fork(func(g *sched.G, _ sched.Arg) (ret int) {
		e.run(g, i, func(t *task) { ret = fn(t) })
		return
	}, sched.Arg{})
}

func (t *task) join(c sched.Child) int {
	v := t.g.Join(c)
	t.here()
	return v
}

func (t *task) yield() {
	t.g.Yield()
	t.here()
}

func (t *task) choose(cases ...sched.Case) int {
	i := t.g.Select(cases...)
	t.here()
	return i
}

func (t *task) syscall() {
	t.g.Syscall(nil)
	t.here()
}

func (t *task) channel(size int) *sched.Chan[int] { return sched.NewChan[int](t.e.s, size) }

func (t *task) send(c *sched.Chan[int], v int) {
	c.Send(t.g, v)
	t.here()
}

func (t *task) recv(c *sched.Chan[int]) int {
	v, _ := t.tryRecv(c)
	return v
}

func (t *task) tryRecv(c *sched.Chan[int]) (int, bool) {
	v, ok := c.Recv(t.g)
	t.here()
	return v, ok
}

// try calls fn and recovers what it panics with, unless that ends the execution.
func (t *task) try(fn func()) {
	defer func() {
		if r := recover(); r == errAborted {
			panic(r)
		}
	}()
	fn()
}

// hasRun reports whether G i has begun.
func (t *task) hasRun(i int) bool {
	t.e.x.flag(i, sched.Load)
	return t.e.ran[i] != 0
}

func (t *task) closeChan(c *sched.Chan[int]) { c.Close(t.g) }

// busyUntil keeps t's CPU until the Gs from lo up to hi have begun.
func (t *task) busyUntil(lo, hi int) {
	x := t.e.x
	th := x.cur
	begun := func() bool {
		for i := lo; i < hi; i++ {
			if t.e.ran[i] == 0 {
				return false
			}
		}
		return true
	}
	if !begun() {
		if x.trace != nil {
			x.trace.note(x, th, "is busy until others have run")
		}
		th.await = begun
		x.block(th)
		th.await = nil
	}
	for i := lo; i < hi; i++ {
		x.flag(i, sched.Load)
	}
}
