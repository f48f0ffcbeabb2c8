package explore

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"numasched/sched"
)

// Programs are the programs there are.
var Programs = slices.Concat(queuePrograms, preemptPrograms, lockedPrograms, guestPrograms, joinPrograms, chanPrograms, lockPrograms, contextPrograms, timerPrograms, netpollPrograms, briefPrograms, syscallPrograms, procsPrograms, endPrograms)

// queuePrograms are about what becomes ready and who runs it.
var queuePrograms = []Program{
	{Name: "spawn", Doc: "G 0 starts the others and returns", Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, nop))
		}
	}},
	{Name: "steal", Doc: "G 0 puts the others into its own ring and stays busy until they have run elsewhere", MinCPUs: 2, MinGs: 2, Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			g.GoAt(sched.Default, t.G(i, nop))
		}
		t.BusyUntil(1, t.Gs())
	}},
	{Name: "loyal", Doc: "G 0 queues the others at home on its own node and stays busy until they have run elsewhere", MinCPUs: 2, MinGs: 2, Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			g.GoAt(sched.OnNode(g.Node()), t.G(i, nop))
		}
		t.BusyUntil(1, t.Gs())
	}},
	{Name: "next", Doc: "G 0 starts one other to run next and stays busy until it has run elsewhere", MinCPUs: 2, MinGs: 2, Main: func(t *T, g *sched.G) {
		g.Go(t.G(1, nop))
		t.BusyUntil(1, 2)
	}},
	{Name: "barrier", Doc: "as many Gs as CPUs are busy until all of them run: no CPU may idle", MinCPUs: 2, MinGs: 2, Main: func(t *T, g *sched.G) {
		n := min(t.Gs(), t.CPUs())
		for i := 1; i < n; i++ {
			g.Go(t.G(i, func(*sched.G) { t.BusyUntil(0, n) }))
		}
		t.BusyUntil(0, n)
	}},
	{Name: "yield", Doc: "all Gs yield, two of them twice", Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, (*sched.G).Yield))
		}
		g.Yield()
		g.Yield()
	}},
	{Name: "relay", MinCPUs: 2, MinGs: 3, Doc: "G 0 yields and then starts G 2, and until that runs G 1 keeps a CPU: another must take G 0", Main: func(t *T, g *sched.G) {
		g.GoAt(sched.Default, t.G(1, func(*sched.G) { t.BusyUntil(2, 3) }))
		g.Yield()
		g.Go(t.G(2, nop))
	}},
	{Name: "talk", MinGs: 3, Doc: "G 0 and G 1 wake each other, which must not keep the others, that are queued, from running on an only CPU", Main: func(t *T, g *sched.G) {
		there, back := channel(g, 0), channel(g, 0)
		g.Go(t.G(1, func(g *sched.G) {
			for ok := true; ok; {
				if _, ok = there.Recv(g); ok {
					back.Send(g, 1)
				}
			}
		}))
		for i := 2; i < t.Gs(); i++ {
			g.GoAt(sched.Default, t.G(i, nop))
		}
		for n := 0; n < 64 && !t.Begun(2); n++ {
			there.Send(g, 1)
			back.Recv(g)
		}
		there.Close(g)
		t.Check(t.Begun(2) || t.CPUs() > 1, "G 2 has starved")
	}},
	{Name: "flood", MinGs: 3, Doc: "G 0 puts the others into its own ring, which is full with 4 under the build tag smallrings, and two more Gs yield", Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			fn := nop
			if i > t.Gs()-3 {
				fn = (*sched.G).Yield
			}
			g.GoAt(sched.Default, t.G(i, fn))
		}
	}},
	{Name: "refill", MinCPUs: 2, MinGs: 3, Doc: "G 0 starts Gs that end elsewhere, and then up to three more, which are some of those if its own magazines are empty", Main: func(t *T, g *sched.G) {
		first := t.Gs() - min(3, (t.Gs()-1)/2)
		for i := 1; i < t.Gs(); i++ {
			if i == first {
				t.BusyUntil(1, first)
			}
			g.GoAt(sched.Default, t.G(i, nop))
		}
	}},
	{Name: "spread", MinGs: 2, Doc: "the others are at home on all nodes in turn, one of them on a node without CPUs, and yield", Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			g.GoAt(sched.OnNode(i%(t.Nodes()+1)), t.G(i, (*sched.G).Yield))
		}
	}},
	{Name: "again", Doc: "Run is called twice: the second meets Ms that are about to sleep", Runs: 2, Main: func(t *T, g *sched.G) {
		if t.Round() == 0 && t.Gs() > 2 {
			g.Go(t.G(2, nop))
		}
	}},
}

// joinPrograms are about Gs that wait for Gs.
var joinPrograms = []Program{
	{Name: "fork", MinGs: 2, Doc: "G 0 forks the others and joins them; one of them forks another, and both yield", Main: func(t *T, g *sched.G) {
		n := t.Gs()
		var children []sched.Child
		for i := 1; i < n-1; i++ {
			children = append(children, g.Fork(t.Task(i, func(g *sched.G) int {
				if i != 1 || n <= 2 {
					return i
				}
				c := g.Fork(t.Task(n-1, func(g *sched.G) int {
					g.Yield()
					return n - 1
				}), sched.Arg{})
				g.Yield()
				return i + g.Join(c)
			}), sched.Arg{}))
		}
		sum := 0
		for _, c := range slices.Backward(children) {
			sum += g.Join(c)
		}
		t.Check(n <= 2 || sum == n*(n-1)/2, "the children return %d", sum)
	}},
	{Name: "group", Doc: "G 0 waits for half of the others, members of a group, which yield, and again for the rest", Main: func(t *T, g *sched.G) {
		var gr sched.Group
		for i, half := 1, 1+t.Gs()/2; i < t.Gs(); half = t.Gs() {
			for ; i < half; i++ {
				gr.Go(g, t.G(i, (*sched.G).Yield))
			}
			gr.Wait(g)
			for j := range half {
				t.Check(t.Begun(j), "Wait returned before member %d had run", j)
			}
		}
	}},
	{Name: "elder", MinCPUs: 2, MinGs: 5, Doc: "G 0 forks four others and keeps its CPU until the older half has run, then the youngest keeps one until the third has: each must be seen", Main: func(t *T, g *sched.G) {
		var children []sched.Child
		for i := 1; i <= 4; i++ {
			children = append(children, g.Fork(t.Task(i, func(*sched.G) int {
				if i == 4 {
					t.BusyUntil(3, 4)
				}
				return i
			}), sched.Arg{}))
		}
		t.BusyUntil(1, 3)
		for _, c := range slices.Backward(children) {
			g.Join(c)
		}
	}},
	{Name: "nest", MinGs: 3, Doc: "G 0 forks G 1 and joins it, which does so with G 2, and so on", Main: func(t *T, g *sched.G) {
		var forkNext func(g *sched.G, i int) int
		forkNext = func(g *sched.G, i int) int {
			if i+1 == t.Gs() {
				return i
			}
			return i + g.Join(g.Fork(t.Task(i+1, func(g *sched.G) int { return forkNext(g, i+1) }), sched.Arg{}))
		}
		sum := forkNext(g, 0)
		t.Check(sum == t.Gs()*(t.Gs()-1)/2, "the children return %d", sum)
	}},
	{Name: "late-join", MinCPUs: 2, MinGs: 3, Doc: "G 0 joins G 1, which ends meanwhile elsewhere, and G 2 keeps the CPU on which it does so until G 0 has gone on", Main: func(t *T, g *sched.G) {
		child := g.Fork(t.Task(1, func(*sched.G) int { return 1 }), sched.Arg{})
		t.BusyUntil(1, 2)
		g.GoAt(sched.Default, t.G(2, func(*sched.G) { t.BusyUntilSet(0) }))
		t.Check(g.Join(child) == 1, "a join gives something else")
		t.Store(0, 1)
	}},
	{Name: "rear", MinCPUs: 2, MinGs: 5, Doc: "G 0 forks and then waits for the last but one, which keeps its CPU until the last has run elsewhere", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		var gr sched.Group
		n := t.Gs()
		for i := 1; i < n; i++ {
			gr.Go(g, t.G(i, func(g *sched.G) {
				if i == n-2 {
					t.BusyUntil(n-1, n)
					c.Send(g, 1)
				}
			}))
		}
		c.Recv(g)
		gr.Wait(g)
	}},
	{Name: "hoard", MinCPUs: 2, MinGs: 4, Doc: "G 0 forks and then waits for G 1, which keeps its CPU until all others have run elsewhere", Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		g.Go(t.G(1, func(g *sched.G) {
			t.BusyUntil(2, t.Gs())
			c.Send(g, 1)
		}))
		var gr sched.Group
		for i := 2; i < t.Gs(); i++ {
			gr.Go(g, t.G(i, nop))
		}
		c.Recv(g)
		gr.Wait(g)
	}},
}

// chanPrograms are about channels.
var chanPrograms = []Program{
	{Name: "park", Doc: "G 0 sends to each of the others, which answers, over unbuffered channels", Main: func(t *T, g *sched.G) {
		there, back := channel(g, 0), channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) { back.Send(g, 10+recv(g, there)) }))
		}
		sum := 0
		for i := 1; i < t.Gs(); i++ {
			there.Send(g, i)
		}
		for i := 1; i < t.Gs(); i++ {
			sum += recv(g, back) - 10
		}
		t.Check(sum == t.Gs()*(t.Gs()-1)/2, "the answers add up to %d", sum)
	}},
	{Name: "chan", Doc: "a buffered channel with more values than room is closed with receivers waiting", Main: func(t *T, g *sched.G) {
		c, done := channel(g, 1), channel(g, t.Gs())
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) {
				n := 0
				for {
					if _, ok := c.Recv(g); !ok {
						break
					}
					n++
				}
				done.Send(g, n)
			}))
		}
		c.Send(g, 1)
		c.Send(g, 2)
		c.Close(g)
		sum := 0
		for i := 1; i < t.Gs(); i++ {
			sum += recv(g, done)
		}
		t.Check(sum == 2, "%d values of 2 were received", sum)
	}},
	{Name: "home", Doc: "G 0 talks to the others, which are at home on another node", MinCPUs: 2, MinGs: 2, Main: func(t *T, g *sched.G) {
		there, back := channel(g, 0), channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			g.GoAt(sched.OnNode(t.Nodes()-1), t.G(i, func(g *sched.G) { back.Send(g, recv(g, there)) }))
		}
		for i := 1; i < t.Gs(); i++ {
			there.Send(g, i)
		}
		for i := 1; i < t.Gs(); i++ {
			back.Recv(g)
		}
	}},
	{Name: "select", MinGs: 3, Doc: "G 0 selects among receives from two channels, to which the others send, and then one sends by a Select", Main: func(t *T, g *sched.G) {
		c, d := channel(g, 0), channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) {
				if i%2 == 1 {
					c.Send(g, i)
					return
				}
				g.Select(c.SendCase(i), d.SendCase(i))
			}))
		}
		sum := 0
		for range t.Gs() - 1 {
			var v, w int
			if g.Select(c.RecvCase(&v, nil), d.RecvCase(&w, nil)) == 0 {
				sum += v
			} else {
				sum += w
			}
		}
		t.Check(sum == t.Gs()*(t.Gs()-1)/2, "received %d in all", sum)
	}},
	{Name: "selectclose", MinGs: 3, Doc: "G 0 selects between two channels, of which one is closed and the other sent to at the same time", Main: func(t *T, g *sched.G) {
		c, d := channel(g, 0), channel(g, 0)
		g.Go(t.G(1, c.Close)) // of c as it is now
		for i := 2; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) { d.Send(g, i) }))
		}
		for sent := t.Gs() - 2; sent > 0; {
			var v int
			if g.Select(c.RecvCase(nil, nil), d.RecvCase(&v, nil)) == 1 {
				t.Check(v >= 2, "received %d from nobody", v)
				sent--
			} else {
				c = nil // else it would always be ready
			}
		}
	}},
	{Name: "reselect", MinGs: 2, Doc: "G 0 is served by one case of a Select and then waits elsewhere: nobody must find it at the other case", Main: func(t *T, g *sched.G) {
		c, d, e := channel(g, 0), channel(g, 0), channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) {
				c.Send(g, 1)
				t.Check(!d.TrySend(g, 2), "somebody receives from d")
				e.Send(g, 3)
			}))
		}
		for range t.Gs() - 1 {
			g.Select(c.RecvCase(nil, nil), d.RecvCase(nil, nil))
			g.Select(e.RecvCase(nil, nil))
		}
	}},
}

// syscallPrograms are about Gs in system calls.
var syscallPrograms = []Program{
	{Name: "handoff", MinCPUs: 2, MinGs: 3, Doc: "G 1 queues the third and later Gs, makes a system call that does not end before; G 0 starts G 2 and stays busy until all have run", Sysmon: true, Main: func(t *T, g *sched.G) {
		g.Go(t.G(1, func(g *sched.G) {
			for i := 3; i < t.Gs(); i++ {
				g.GoAt(sched.Default, t.G(i, nop))
			}
			g.SyscallFor(1000*time.Hour, nil)
		}))
		t.BusyUntil(1, 2)
		g.Go(t.G(2, nop))
		t.BusyUntil(2, t.Gs())
	}},
	{Name: "syscall", Doc: "Gs make system calls, from which sysmon takes their Ps, and then talk", Sysmon: true, Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) {
				g.SyscallFor(callTime(i), nil)
				c.Send(g, i)
			}))
		}
		for sum := 0; sum < t.Gs()*(t.Gs()-1)/2; {
			sum += recv(g, c)
		}
	}},
	{Name: "away", MinGs: 3, Doc: "G 0 forks the others and makes a system call, from which sysmon takes its P, before it joins them", Sysmon: true, Main: func(t *T, g *sched.G) {
		var children []sched.Child
		for i := 1; i < t.Gs(); i++ {
			children = append(children, g.Fork(t.Task(i, func(*sched.G) int { return i }), sched.Arg{}))
		}
		g.SyscallFor(20*time.Millisecond, nil)
		for _, c := range slices.Backward(children) {
			g.Join(c)
		}
	}},
	{Name: "interrupt", Doc: "Close comes while Gs make system calls, from which sysmon takes their Ps", Sysmon: true, Close: true, Main: func(t *T, g *sched.G) {
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) { g.SyscallFor(callTime(i), nil) }))
		}
		g.SyscallFor(20*time.Millisecond, nil)
	}},
	{Name: "late", MinGs: 2, Doc: "the last G returns from a system call and finds that all wait for ever: Run must say so, and not before", Sysmon: true, Close: true,
		Main: func(t *T, g *sched.G) {
			c := channel(g, 0)
			g.Go(t.G(1, func(g *sched.G) {
				g.SyscallFor(20*time.Millisecond, nil)
				c.Send(g, 1)
			}))
			c.Recv(g)
			t.Store(0, 1)
			c.Recv(g)
		},
		Want: func(t *T, err error) error {
			if t.Load(0) == 0 {
				return errors.New("a deadlock was reported while a G was in a system call")
			}
			return wantDeadlock(t, err)
		}},
}

// endPrograms are about how it all ends.
var endPrograms = []Program{
	{Name: "close", Doc: "G 0 returns while the others run or wait, and Close comes", Close: true, Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) {
				if i%2 == 1 {
					c.Recv(g) // for ever
				}
			}))
		}
	}},
	{Name: "cancel", Doc: "Close comes while Run waits for Gs that run or wait", Close: true, Cancel: true, Want: wantClosed, Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) { c.Send(g, 1) }))
		}
		for i := 1; i < t.Gs(); i++ {
			c.Recv(g)
		}
	}},
	{Name: "recover", Doc: "Close comes while Run waits for Gs that recover from being cancelled, and then send", MinGs: 2, Close: true, Cancel: true,
		Main: func(t *T, g *sched.G) {
			c, d := channel(g, 0), channel(g, 0)
			var gr sched.Group
			for i := 1; i < t.Gs(); i++ {
				gr.Go(g, t.G(i, func(g *sched.G) {
					defer func() { recover() }()
					defer d.Send(g, 1)
					g.Yield()
					c.Recv(g) // for ever
				}))
			}
			defer func() { recover() }()
			gr.Wait(g)
			t.Check(false, "goes on after a Wait that cannot have ended")
		},
		Want: func(_ *T, err error) error {
			if dead := (*sched.DeadlockError)(nil); errors.Is(err, sched.ErrClosed) || errors.As(err, &dead) {
				return nil
			}
			return fmt.Errorf("neither closed nor a deadlock, but %v", err)
		}},
	{Name: "deadlock", Doc: "all Gs come to wait for ever: Run must say so", Close: true, Want: wantDeadlock, Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) {
				if i%2 == 1 {
					c.Recv(g)
				}
			}))
		}
		c.Recv(g)
	}},
	{Name: "unwind", MinGs: 2, Doc: "a G in the midst of another's Wait moves and panics, and the other's deferred function frees memory", Close: true, Want: wantPlanned, Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 2; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) { c.Recv(g) }))
		}
		p, err := g.Alloc(16)
		t.Check(err == nil, "Alloc: %v", err)
		defer g.Free(p)
		var gr sched.Group
		gr.Go(g, t.G(1, func(g *sched.G) {
			g.Yield()
			panic(errPlanned)
		}))
		gr.Wait(g)
	}},
	{Name: "panic", MinGs: 2, Doc: "a G panics while others run and wait: Run must return its panic", Close: true, Want: wantPlanned, Main: func(t *T, g *sched.G) {
		c := channel(g, 0)
		for i := 1; i < t.Gs(); i++ {
			g.Go(t.G(i, func(g *sched.G) {
				if i == t.Gs()-1 {
					panic(errPlanned)
				}
				c.Recv(g)
			}))
		}
		c.Recv(g)
	}},
}

func nop(*sched.G) {}

// callTime is how long the system call of G i takes: any time, or so long that sysmon
// takes the P if it is needed elsewhere.
func callTime(i int) time.Duration { return time.Duration(i%2) * 50 * time.Microsecond }

func channel(g *sched.G, size int) *sched.Chan[int] { return sched.NewChan[int](g.Sched(), size) }

func recv(g *sched.G, c *sched.Chan[int]) int {
	v, _ := c.Recv(g)
	return v
}

var errPlanned = errors.New("a planned panic")

func wantClosed(_ *T, err error) error {
	if err != nil && !errors.Is(err, sched.ErrClosed) {
		return err
	}
	return nil
}

func wantDeadlock(_ *T, err error) error {
	if dead := (*sched.DeadlockError)(nil); !errors.As(err, &dead) {
		return fmt.Errorf("no deadlock reported, but %v", err)
	}
	return nil
}

func wantPlanned(_ *T, err error) error {
	if !errors.Is(err, errPlanned) {
		return fmt.Errorf("no planned panic reported, but %v", err)
	}
	return nil
}
