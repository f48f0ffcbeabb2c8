package host

import (
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"numasched/sched"
	"numasched/sched/internal/machine"
)

// A Poller implements [machine.Poller] with epoll. Descriptors are registered once, for
// reading and writing, edge-triggered, as Go's runtime does it.
type Poller struct {
	epoll, event int // event is an eventfd, which Break makes readable
	broken       atomic.Bool
	coarse       atomic.Bool // the kernel has no epoll_pwait2, which came with Linux 5.11

	mu    sync.Mutex
	last  uint64
	descs map[uint64]polled // by what the kernel tells us of them; nil when closed
}

// A polled is a descriptor that the kernel tells a Poller of.
type polled struct {
	pd   *sched.PollDesc
	ends *atomic.Bool // see Open
}

// NewPoller implements [sched.Machine].
func (m *Machine) NewPoller() (machine.Poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		unix.Close(epoll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	p := &Poller{epoll: epoll, event: event, descs: make(map[uint64]polled)}
	if err := p.add(event, unix.EPOLLIN, 0); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Poller) add(fd int, events uint32, id uint64) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(id), Pad: int32(id >> 32)}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return os.NewSyscallError(fmt.Sprintf("epoll_ctl of descriptor %d", fd), err)
	}
	return nil
}

// Open has p tell pd when fd, which must not block, becomes ready. It sets ends, before it tells pd,
// if there may be more to read than the bytes that have come: the end, an error, or urgent data.
// The returned number is for Forget. The error is that of epoll_ctl: EPERM for what cannot be
// polled, such as a regular file.
func (p *Poller) Open(fd int, pd *sched.PollDesc, ends *atomic.Bool) (id uint64, err error) {
	p.mu.Lock()
	p.last++
	id = p.last
	p.descs[id] = polled{pd, ends}
	p.mu.Unlock()
	if err = p.add(fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLPRI|unix.EPOLLET&math.MaxUint32, id); err != nil {
		p.Forget(-1, id)
	}
	return id, err
}

// Forget undoes Open. Call it before fd is closed.
func (p *Poller) Forget(fd int, id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fd >= 0 && p.descs != nil {
		unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, fd, nil)
	}
	delete(p.descs, id)
}

const pollEvents = 128 // that one look takes from the kernel

// Wait implements [machine.Poller].
func (p *Poller) Wait(m *machine.M, ns int64) {
	var events [pollEvents]unix.EpollEvent
	n := p.wait(events[:], ns)
	if ns != 0 {
		afterSleep(m)
	}
	p.mu.Lock() // for all: Ready is quick
	defer p.mu.Unlock()
	for i := range events[:n] {
		ev := &events[i]
		id := uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32
		if id == 0 {
			if ns != 0 { // else it is for the one who waits
				// In this order: a Break in between writes nothing, and need not, since who
				// waits looks again. The other way round its event would be read and
				// broken would stay set, and no later Break would write.
				var buf [8]byte
				unix.Read(p.event, buf[:])
				p.broken.Store(false)
			}
			continue
		}
		d, open := p.descs[id]
		if !open {
			continue // it was closed meanwhile
		}
		if ev.Events&(unix.EPOLLPRI|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 && !d.ends.Load() {
			d.ends.Store(true)
		}
		if ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			d.pd.Ready(m, sched.PollRead)
		}
		if ev.Events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			d.pd.Ready(m, sched.PollWrite)
		}
	}
}

// wait returns how many events there are.
func (p *Poller) wait(events []unix.EpollEvent, ns int64) int {
	at, max := unsafe.Pointer(&events[0]), uintptr(len(events))
	if ns == 0 {
		// It does not block, so Go's scheduler need not know of it.
		n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(at), max, 0, 0, 0)
		if errno != 0 {
			return 0
		}
		return int(n)
	}
	if !p.coarse.Load() {
		var limit unsafe.Pointer
		if ns > 0 {
			ts := unix.NsecToTimespec(ns)
			limit = unsafe.Pointer(&ts)
		}
		n, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.epoll), uintptr(at), max, uintptr(limit), 0, 0)
		if errno == 0 {
			return int(n)
		}
		if errno != unix.ENOSYS && errno != unix.EPERM {
			return 0 // EINTR most often: who waits looks again
		}
		p.coarse.Store(true)
	}
	ms := -1
	if ns > 0 {
		ms = int(min((ns+999_999)/1_000_000, math.MaxInt32))
	}
	n, err := unix.EpollWait(p.epoll, events, ms)
	if err != nil {
		return 0
	}
	return n
}

// Break implements [machine.Poller].
func (p *Poller) Break(*machine.M) {
	if p.broken.Swap(true) {
		return
	}
	one := [8]byte{7: 1}
	one[0] = 1 // whatever the byte order: not 0
	unix.Write(p.event, one[:])
}

// Close implements [machine.Poller].
func (p *Poller) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.descs = nil
	unix.Close(p.epoll)
	unix.Close(p.event)
}
