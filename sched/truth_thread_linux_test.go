package sched_test

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"numasched/sched"
)

// lockedSide starts a goroutine, or a G, that is locked to its thread from its start to its
// end.
func lockedSide(s side, f func(side)) {
	switch s := s.(type) {
	case *native:
		go func() {
			runtime.LockOSThread()
			f(new(native))
		}()
	case *ours:
		s.g.GoLocked(func(g *sched.G) { f(&ours{g: g}) })
	}
}

func nameThread(name string) {
	b := append([]byte(name), 0)
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&b[0])), 0, 0, 0)
}

// What Go's own tests check of LockOSThread.
var threadTruths = []truth{
	{"who is locked stays on its thread", func(s side) any {
		c, moved := s.channel(0), s.channel(0)
		lockedSide(s, func(s side) {
			tid, n := unix.Gettid(), 0
			for range 20 {
				c.recv(s)
				if unix.Gettid() != tid {
					n++
				}
				s.yield()
				if unix.Gettid() != tid {
					n++
				}
			}
			moved.send(s, n)
		})
		for i := range 20 {
			c.send(s, i)
		}
		n, _ := moved.recv(s)
		return n
	}},
	{"two that are locked have two threads", func(s side) any {
		tids, end := s.channel(0), s.channel(0)
		for range 2 {
			lockedSide(s, func(s side) {
				tids.send(s, unix.Gettid())
				end.recv(s)
			})
		}
		a, _ := tids.recv(s)
		b, _ := tids.recv(s)
		end.close(s)
		return a != b
	}},
	{"nobody else runs on a locked thread, whoever has started them", func(s side) any {
		locked, tids, end := s.channel(0), s.channel(0), s.channel(0)
		lockedSide(s, func(s side) {
			locked.send(s, unix.Gettid())
			s.spawn(func(s side) { tids.send(s, unix.Gettid()) }) // it runs while this one waits
			end.recv(s)
			s.join()
		})
		tid, _ := locked.recv(s)
		for range 30 {
			s.spawn(func(s side) { tids.send(s, unix.Gettid()) })
		}
		met := 0
		for range 31 {
			if other, _ := tids.recv(s); other == tid {
				met++
			}
		}
		s.join()
		end.close(s)
		return met
	}},
	{"what the kernel knows of a locked thread is its own", func(s side) any {
		const name = "truth-locked"
		named, again, out := s.channel(0), s.channel(0), s.channel(0)
		lockedSide(s, func(s side) {
			nameThread(name)
			named.send(s, 1)
			again.recv(s)
			if threadNamed() == name {
				out.send(s, 1)
			} else {
				out.send(s, 0)
			}
		})
		named.recv(s)
		seen := s.channel(30)
		for range 30 {
			s.spawn(func(s side) {
				s.yield()
				if threadNamed() == name {
					seen.send(s, 1)
				}
			})
		}
		s.join()
		again.send(s, 1)
		kept, _ := out.recv(s)
		return []int{seen.len(s), kept}
	}},
	{"the thread of one that ends while it is locked ends", func(s side) any {
		tids := s.channel(0)
		tid := os.Getpid()
		for tid == os.Getpid() { // Go keeps the main thread, but lets nobody else run there
			lockedSide(s, func(s side) { tids.send(s, unix.Gettid()) })
			tid, _ = tids.recv(s)
		}
		for {
			if _, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", tid)); err != nil {
				return "ends"
			}
			s.yield()
		}
	}},
	{"locked ones share a mutex and pass values to others", func(s side) any {
		mu, n, c := s.mutex(), 0, s.channel(2)
		for range 3 {
			lockedSide(s, func(s side) {
				for range 50 {
					mu.lock(s)
					was := n
					if was%8 == 0 {
						s.yield()
					}
					n = was + 1
					mu.unlock(s)
				}
				for i := range 50 {
					c.send(s, i)
				}
			})
		}
		total := 0
		for range 150 {
			v, _ := c.recv(s)
			total += v
		}
		mu.lock(s)
		defer mu.unlock(s)
		return []int{n, total}
	}},
}
