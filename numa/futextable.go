package numa

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// A futexTable is a futex for systems that have none: a hash table of waiters, by
// address. The zero value is ready to use.
//
// No wake-up is lost. A waiter compares *addr and enqueues itself under the bucket's
// lock. A waker first changes *addr and then takes the same lock. So either the waiter
// sees the change, or the waker sees the waiter.
type futexTable struct {
	buckets [251]futexBucket // a prime, like the runtime's semaTable
}

type futexBucket struct {
	mu    sync.Mutex
	first *futexWaiter // in order of arrival
	last  *futexWaiter
	_     [64]byte
}

type futexWaiter struct {
	addr  *uint32
	woken chan struct{} // closed by the waker, who has removed the waiter
	next  *futexWaiter
}

func (t *futexTable) bucket(addr *uint32) *futexBucket {
	return &t.buckets[uintptr(unsafe.Pointer(addr))>>3%uintptr(len(t.buckets))]
}

func (t *futexTable) wait(addr *uint32, val uint32, timeoutNs int64) {
	b := t.bucket(addr)
	b.mu.Lock()
	if atomic.LoadUint32(addr) != val {
		b.mu.Unlock()
		return
	}
	w := &futexWaiter{addr: addr, woken: make(chan struct{})}
	if b.last == nil {
		b.first = w
	} else {
		b.last.next = w
	}
	b.last = w
	b.mu.Unlock()

	if timeoutNs < 0 {
		<-w.woken
		return
	}
	timer := time.NewTimer(time.Duration(timeoutNs))
	defer timer.Stop()
	select {
	case <-w.woken:
	case <-timer.C:
		b.mu.Lock()
		b.remove(func(x *futexWaiter) bool { return x == w })
		b.mu.Unlock()
	}
}

func (t *futexTable) wake(addr *uint32, n int) int {
	b := t.bucket(addr)
	b.mu.Lock()
	defer b.mu.Unlock()
	woken := 0
	b.remove(func(x *futexWaiter) bool {
		if x.addr != addr || woken >= n {
			return false
		}
		woken++
		close(x.woken)
		return true
	})
	return woken
}

// remove takes waiters out of the list for which gone returns true.
func (b *futexBucket) remove(gone func(*futexWaiter) bool) {
	b.last = nil
	for p := &b.first; *p != nil; {
		if gone(*p) {
			*p = (*p).next
			continue
		}
		b.last = *p
		p = &(*p).next
	}
}
