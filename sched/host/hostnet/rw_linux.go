package hostnet

import (
	"io"
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"numasched/sched"
)

// How a G, or a goroutine that is no G, reads and writes a file.

const maxRW = 1 << 30 // the most that one system call reads or writes, as in Go

// read and write are operate without its functions, which would have to be allocated each
// time. A goroutine that is no G does not count as one who uses the descriptor: it uses that of the
// stand-in, which knows by itself when it is closed. And it gets by with little stack, for
// net/http starts one for each request.

func (f *file) read(b []byte) (n int, err error) {
	if g := sched.Current(); g != nil {
		return f.readAs(g, b)
	}
	std, err := f.native()
	if err == nil {
		if n, err = std.read.Read(b); err == nil {
			return n, nil
		}
	}
	return n, f.opError("read", err)
}

func (f *file) write(b []byte) (n int, err error) {
	if g := sched.Current(); g != nil {
		return f.writeAs(g, b)
	}
	std, err := f.native()
	if err == nil {
		if n, err = std.write.Write(b); err == nil {
			return n, nil
		}
	}
	return n, f.opError("write", err)
}

// readAs is read by g.
//
// A read from a TCP connection that gets less than it has room for has emptied it: see epoll(7). The
// next read waits for news before it tries, unless it would hear late of them (see beginRead). A server
// whose clients wait for their answers most often tries in vain: to leave that out is one system call less
// for a request. Over a single busy connection a try often finds the next request: see doc.go.
//
// A read counts as one that has emptied the connection only if
//   - the poller tells of the connection already. Then whatever comes after the read is news, and no
//     news is forgotten in between;
//   - the poller has told of nothing but bytes. The end, or an error, may have been told of together
//     with the last bytes, and is no news then. And bytes behind an urgent one are left by the read
//     before it.
//
// package net does not do this: its poller forgets at the beginning of a read what has come.
func (f *file) readAs(g *sched.G, b []byte) (n int, err error) {
	p, err := f.begin(g)
	if err != nil {
		return 0, f.opError("read", err)
	}
	defer f.unuse()
	if p == nil {
		return f.readInSyscall(g, b)
	}
	p.busy[sched.PollRead].Lock(g)
	if len(b) == 0 {
		p.busy[sched.PollRead].Unlock(g)
		return 0, f.readNothing()
	}
	for err = p.beginRead(g); err == nil; {
		most := min(len(b), maxRW)
		if n, err = tryRead(f.fd, b[:most]); err == nil {
			if n == 0 && f.stream {
				err = io.EOF
			}
			p.drained = 0 < n && n < most && f.network == "tcp" && p.id.Load() != 0 && !p.ends.Load()
			break
		}
		if err = f.waitFor(p, g, sched.PollRead, err); err != nil {
			break
		}
	}
	p.busy[sched.PollRead].Unlock(g)
	if err == errUnpolled {
		return f.readInSyscall(g, b)
	}
	return n, f.failed("read", err)
}

// beginRead is called before g tries to read. It waits if there was nothing to be read, unless g
// would hear late of what has come since.
func (p *poll) beginRead(g *sched.G) error {
	drained := p.drained
	p.drained = false // if the wait fails, the news that it waits for may be lost
	if drained && p.pd.Prompt(g) {
		return p.wait(g, sched.PollRead)
	}
	return p.pd.Prepare(g, sched.PollRead)
}

// readNothing is read with no room. It waits for nothing and is never late.
func (f *file) readNothing() error {
	if f.closed.Load() {
		return f.opError("read", net.ErrClosed)
	}
	return nil
}

// writeAs is write by g.
func (f *file) writeAs(g *sched.G, b []byte) (n int, err error) {
	p, err := f.begin(g)
	if err != nil {
		return 0, f.opError("write", err)
	}
	defer f.unuse()
	if p == nil {
		return f.writeInSyscall(g, b)
	}
	p.busy[sched.PollWrite].Lock(g)
	for err = p.pd.Prepare(g, sched.PollWrite); err == nil; {
		var k int
		if k, err = tryWrite(f.fd, b[n:min(len(b), n+maxRW)]); err == nil {
			if n += k; n == len(b) {
				break
			}
			if k == 0 {
				err = io.ErrUnexpectedEOF
			}
			continue
		}
		err = f.waitFor(p, g, sched.PollWrite, err)
	}
	p.busy[sched.PollWrite].Unlock(g)
	if err == errUnpolled {
		k, err := f.writeInSyscall(g, b[n:])
		return n + k, err
	}
	return n, f.failed("write", err)
}

// waitFor waits until a system call need not fail with err any more. It returns an error if
// it will fail again, or if the wait does.
func (f *file) waitFor(p *poll, g *sched.G, mode sched.PollMode, err error) error {
	switch err {
	case unix.EINTR:
		return nil
	case unix.EAGAIN:
		if err := f.register(p); err != nil {
			return err
		}
		return p.wait(g, mode)
	}
	return err
}

// wait is Wait of p.pd. If that panics, because g has locked its thread, p is not busy any more.
func (p *poll) wait(g *sched.G, mode sched.PollMode) error {
	waited := false
	defer func() {
		if !waited && !sched.Cancelled() {
			p.busy[mode].Unlock(g)
		}
	}()
	err := p.pd.Wait(g, mode)
	waited = true
	return err
}

// readInSyscall and writeInSyscall are natively for a G that reads and writes.

func (f *file) readInSyscall(g *sched.G, b []byte) (n int, err error) {
	err = f.natively(g, func(std any) (err error) {
		n, err = std.(io.Reader).Read(b)
		return err
	})
	return n, f.opError("read", err)
}

func (f *file) writeInSyscall(g *sched.G, b []byte) (n int, err error) {
	err = f.natively(g, func(std any) (err error) {
		n, err = std.(io.Writer).Write(b)
		return err
	})
	return n, f.opError("write", err)
}

// tryRead and tryWrite do not tell Go's scheduler of a short system call. The descriptor does
// not block.

func tryRead(fd int, b []byte) (int, error) {
	if len(b) == 0 || len(b) > quickRW {
		n, err := unix.Read(fd, b)
		return max(n, 0), err
	}
	n, _, errno := syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

func tryWrite(fd int, b []byte) (int, error) {
	if len(b) == 0 || len(b) > quickRW {
		n, err := unix.Write(fd, b)
		return max(n, 0), err
	}
	n, _, errno := syscall.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
