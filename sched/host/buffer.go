package host

import (
	"fmt"
	"os"
	"unsafe"

	"numasched/sched"
)

// NewBuffer implements [sched.Machine]. Memory placed by default comes from
// Go's heap; its pages lie where they are first touched.
func (m *Machine) NewBuffer(bytes int64, where sched.Placement) (*sched.Buffer, error) {
	if bytes <= 0 {
		return nil, fmt.Errorf("host: buffer of %d bytes: want more than 0", bytes)
	}
	page := int64(os.Getpagesize())
	mem := make([]byte, bytes+page-1)
	base := unsafe.Pointer(unsafe.SliceData(mem))
	if off := int64(uintptr(base)) & (page - 1); off != 0 {
		base = unsafe.Add(base, page-off)
	}
	return &sched.Buffer{Bytes: bytes, Base: base}, nil
}

// Work implements [sched.Machine]: it calls kernel.
func (m *Machine) Work(_ *sched.M, _ *sched.Work, kernel func()) { kernel() }
