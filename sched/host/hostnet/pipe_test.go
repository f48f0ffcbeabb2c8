package hostnet_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/host/hostnet"
)

// What happens at closed pipes, at those without a reader and at those with a deadline is
// found out by the same cases on os.Pipe's, by goroutines, and on ours, by Gs.

// A pipeEnd is one end.
type pipeEnd interface {
	io.ReadWriteCloser
	SetDeadline(time.Time) error
}

// pipeKind says what kind of error err is.
func pipeKind(n int, err error) string {
	var pe *fs.PathError
	op := ""
	if errors.As(err, &pe) {
		op = pe.Op + " " + pe.Path + " "
	}
	for _, known := range []error{os.ErrClosed, os.ErrDeadlineExceeded, syscall.EPIPE, io.EOF} {
		if errors.Is(err, known) {
			return op + known.Error()
		}
	}
	if err != nil {
		return op + err.Error()
	}
	return "ok " + string(rune('0'+n))
}

var pipeTable = []struct {
	name string
	run  func(s side, r, w pipeEnd, saw func(string))
}{
	{"a closed end", func(s side, r, w pipeEnd, saw func(string)) {
		r.Close()
		w.Close()
		saw(pipeKind(r.Read(make([]byte, 1))))
		saw(pipeKind(w.Write([]byte("x"))))
		saw(pipeKind(0, r.Close()))
		saw(pipeKind(r.Read(nil)))
		saw(pipeKind(w.Write(nil)))
		saw(pipeKind(0, r.SetDeadline(never)))
		saw(pipeKind(0, w.SetDeadline(past)))
	}},
	{"no writer", func(s side, r, w pipeEnd, saw func(string)) {
		w.Write([]byte("xy"))
		w.Close()
		saw(pipeKind(r.Read(make([]byte, 5))))
		saw(pipeKind(r.Read(make([]byte, 5))))
	}},
	{"no reader", func(s side, r, w pipeEnd, saw func(string)) {
		r.Close()
		saw(pipeKind(w.Write([]byte("x"))))
	}},
	{"a deadline in the past", func(s side, r, w pipeEnd, saw func(string)) {
		r.SetDeadline(past)
		saw(pipeKind(r.Read(make([]byte, 1))))
		w.Write([]byte("x"))
		saw(pipeKind(r.Read(make([]byte, 1))))
		r.SetDeadline(never)
		saw(pipeKind(r.Read(make([]byte, 1))))
	}},
	{"a deadline that passes", func(s side, r, w pipeEnd, saw func(string)) {
		r.SetDeadline(time.Now().Add(soon))
		saw(pipeKind(r.Read(make([]byte, 1))))
	}},
	{"close while a read waits", func(s side, r, w pipeEnd, saw func(string)) {
		s.spawn(func() {
			s.sleep(soon)
			r.Close()
		})
		saw(pipeKind(r.Read(make([]byte, 1))))
	}},
	{"the writer closes while a read waits", func(s side, r, w pipeEnd, saw func(string)) {
		s.spawn(func() {
			s.sleep(soon)
			w.Close()
		})
		saw(pipeKind(r.Read(make([]byte, 1))))
	}},
}

func TestPipesDoWhatGosDo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("pipes have no deadlines there")
	}
	outcome := func(i int, s side, r, w pipeEnd) string {
		var text strings.Builder
		defer r.Close()
		defer w.Close()
		pipeTable[i].run(s, r, w, func(seen string) { text.WriteString(seen + "; ") })
		return text.String()
	}
	var want []string
	for i := range pipeTable {
		r, w, err := os.Pipe()
		check(t, err)
		want = append(want, outcome(i, goSide{t}, r, w))
	}
	everywhere(t, func(t *testing.T, s *sched.Sched) {
		run(t, s, func(g *sched.G) {
			for i, k := range pipeTable {
				r, w, err := hostnet.NewPipe()
				check(t, err)
				if got := outcome(i, gSide{t, g}, r, w); got != want[i] {
					t.Errorf("%s:\n\tours %s\n\tGo's %s", k.name, got, want[i])
				}
			}
		})
	})
}
