package sched_test

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"numasched/sched"
)

// threadNamed returns the calling thread's name, which the kernel keeps.
func threadNamed() string {
	var name [16]byte
	unix.Prctl(unix.PR_GET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0)
	return unix.ByteSliceToString(name[:])
}

// A locked G has one thread, whatever it waits for and whoever readies it. What the kernel knows of the thread stays.
func TestALockedGStaysOnItsThread(t *testing.T) {
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		const n = 4
		run(t, s, func(g *sched.G) {
			c, d := sched.NewChan[int](s, 0), sched.NewChan[int](s, 0)
			for i := range n {
				g.GoLocked(func(g *sched.G) {
					tid, name := unix.Gettid(), fmt.Sprintf("locked-%d", i)
					b := append([]byte(name), 0)
					unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&b[0])), 0, 0, 0)
					same := func(after string) {
						if unix.Gettid() != tid || threadNamed() != name {
							t.Errorf("G %d is on thread %d, %q, after %s; it was on %d, %q", i, unix.Gettid(), threadNamed(), after, tid, name)
						}
					}
					for range 20 {
						c.Recv(g)
						same("Recv")
						g.Yield()
						same("Yield")
						g.Syscall(func() { time.Sleep(20 * time.Microsecond) })
						same("Syscall")
						g.Sleep(10 * time.Microsecond)
						same("Sleep")
						d.Send(g, 1)
						same("Send")
					}
				})
			}
			g.Go(func(g *sched.G) {
				for range 20 * n {
					c.Send(g, 1)
				}
			})
			for range 20 * n {
				d.Recv(g)
			}
		})
	})
}
