package workload

import (
	"fmt"
	"os"
	"time"
	"unsafe"

	"numasched/sched"
)

// fileReads has Gs that read pieces of a file at random places, each into a buffer of its
// own, and look at what came. The file is this program's own, which is there on every
// machine, and it is in the page cache. So a read is a system call that copies: too short
// to be worth a hand-off of the P, and long enough to be noticed. On
// a simulated machine a call takes a nanosecond for every 10 bytes, which is assumed, and
// what it copies is in no cache afterwards.
var fileReads = &Workload{
	Name:     "filereads",
	Doc:      "Gs that read pieces of a cached file into buffers of their own",
	Unit:     "read",
	InCaches: "n=1/bytes=4096/file=65536",
	Params: []Param{
		{Name: "n", Doc: "Gs", Default: 32, Min: 1, Max: 1 << 16},
		{Name: "reads", Doc: "reads of each", Default: 500, Quick: 50, Min: 1, Max: 1 << 40},
		{Name: "bytes", Doc: "bytes of a read, a multiple of 8 is used", Default: 1 << 15, Min: 8, Max: 1 << 30},
		{Name: "file", Doc: "bytes of the file that are used, at most", Default: 1 << 22, Min: 8, Max: 1 << 30},
		{Name: "seed", Doc: "of the places", Default: 1, Min: 0, Max: 1 << 62},
	},
	New: func(p Params) (*Instance, error) {
		r := &fileRun{n: int(p["n"]), reads: int(p["reads"]), words: int(p["bytes"]) / 8, seed: uint64(p["seed"])}
		r.pieces = int(p["file"]) / (8 * r.words)
		if r.pieces == 0 {
			return nil, fmt.Errorf("workload filereads: file=%d: want at least bytes=%d", p["file"], p["bytes"])
		}
		return &Instance{
			Tasks: int64(r.n) * int64(r.reads),
			Setup: r.setup,
			Run: func(g *sched.G) error {
				return r.open(func() []error { return r.run(g) })
			},
			Stock: func() error {
				return r.open(func() []error {
					errs := make([]error, r.n)
					stockLoop(r.n, func(i int) {
						for k := range r.reads {
							r.read(i, k, &errs[i])
							r.look(i, k, &errs[i])
						}
					})
					return errs
				})
			},
		}, nil
	},
}

type fileRun struct {
	n, reads, words, pieces int
	seed                    uint64

	buffers []block[uint64]
	sums    []uint64 // of the words of each piece
	file    *os.File // nil on a simulated machine
}

func (r *fileRun) setup(s *sched.Sched) (err error) {
	if r.buffers, err = newArray[uint64](s, r.n*r.words, r.words); err != nil || r.buffers[0].data == nil {
		return err
	}
	return r.open(func() []error {
		info, err := r.file.Stat()
		if err != nil {
			return []error{err}
		}
		if r.pieces = min(r.pieces, int(info.Size())/(8*r.words)); r.pieces == 0 {
			return []error{fmt.Errorf("filereads: bytes=%d: want at most the %d bytes of %s", 8*r.words, info.Size(), r.file.Name())}
		}
		r.sums = make([]uint64, r.pieces)
		words := make([]uint64, r.words)
		for i := range r.sums {
			if _, err := r.file.ReadAt(bytesOf(words), int64(i*8*r.words)); err != nil {
				return []error{err}
			}
			r.sums[i] = sumOf(words)
		}
		return nil
	})
}

// open calls fn while the file is open. On a simulated machine there is none.
func (r *fileRun) open(fn func() []error) error {
	if r.buffers[0].data == nil {
		return firstError(fn())
	}
	name, err := os.Executable()
	if err != nil {
		return err
	}
	if r.file, err = os.Open(name); err != nil {
		return err
	}
	defer r.file.Close()
	return firstError(fn())
}

func sumOf(words []uint64) (sum uint64) {
	for _, v := range words {
		sum += v
	}
	return sum
}

func bytesOf(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 8*len(words))
}

func (r *fileRun) run(g *sched.G) []error {
	errs := make([]error, r.n)
	took := time.Duration(8 * r.words / 10)
	var gr sched.Group
	for i := range r.buffers {
		b := &r.buffers[i]
		w := sched.Work{Kernel: "buffer sum", Ops: int64(r.words), Reads: []sched.Span{b.span}}
		k := 0
		read, look := func() { r.read(i, k, &errs[i]) }, func() { r.look(i, k, &errs[i]) }
		if b.data == nil {
			read = nil
		}
		gr.GoAt(g, at(b.node), func(g *sched.G) {
			for k = range r.reads {
				g.SyscallFor(took, read)
				g.Work(w, look)
			}
		})
	}
	gr.Wait(g)
	return errs
}

// piece returns which piece of the file G i reads.
func (r *fileRun) piece(i, k int) int {
	return int(mix64(r.seed<<40+uint64(i*r.reads+k)) % uint64(r.pieces))
}

func (r *fileRun) read(i, k int, err *error) {
	data := bytesOf(r.buffers[i].data)
	if _, e := r.file.ReadAt(data, int64(r.piece(i, k)*len(data))); e != nil && *err == nil {
		*err = fmt.Errorf("filereads: %w", e)
	}
}

func (r *fileRun) look(i, k int, err *error) {
	if got, want := sumOf(r.buffers[i].data), r.sums[r.piece(i, k)]; got != want && *err == nil {
		*err = fmt.Errorf("filereads: the words of read %d of G %d add up to %d, want %d", k, i, got, want)
	}
}
