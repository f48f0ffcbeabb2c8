package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"
)

// With GONUMA=off, what a program does often takes at most one machine instruction in forty more
// than in stock. That is of shapes which do nothing but have the scheduler work: Gosched comes
// to 2.0 %, the others to about 1 % at most. A hook is two instructions. They are counted one by one, so
// no other program makes a difference. They are not time: where the code lies, and what it
// leaves in the caches, are not in them.
func TestOffTakesStocksInstructions(t *testing.T) {
	ours := program(t, "steps")
	stock := filepath.Join(t.TempDir(), "steps")
	build := exec.Command("go", "build", "-o", stock, "./testdata/steps")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	names, err := exec.Command(stock, "names").Output()
	if err != nil {
		t.Fatal(err)
	}
	shapes := strings.Split(strings.TrimSpace(string(names)), "\n")
	slices.Sort(shapes)
	for _, shape := range shapes {
		// If a repetition is long it is the median of three tries: when the heap reorganises its free
		// pages depends on what came before, so one try differs by chance, to either side. But one that
		// is very long has all of this in it.
		var more []float64
		for tries := 3; len(more) < tries; {
			a := count(t, stock, shape, 0)
			b := count(t, ours, shape, a.repetitions)
			more = append(more, 100*float64(b.all-a.all)/float64(a.all))
			t.Logf("%s, %d times: %d instructions in stock, %d with off, %+.2f %%%s", shape, a.repetitions, a.all, b.all, more[len(more)-1], differences(a, b))
			if a.repetitions > 1 || a.all > 10*enough {
				tries = 1
			}
		}
		slices.Sort(more)
		if more := more[len(more)/2]; more > 2.5 {
			t.Errorf("%s takes %.2f %% more instructions with GONUMA=off than in stock", shape, more)
		}
	}
}

// enough is how many instructions of stock's are counted, or more.
const enough = 40_000

// Every 61st turn of Go's scheduler looks at the queues in another order. Among repetitions by that
// number there are as many of these turns wherever one begins to count.
const turns = 61

// chance are functions that are not counted. Every eighth time that a goroutine waits, Go notes
// for how long, and which times these are differs between runs. How long a search in tables of
// the program's code takes depends on where functions lie.
var chance = []string{"runtime.nanotime1.abi0", "runtime.etext" /* the kernel's clock */, "runtime.(*timeHistogram).record", "runtime.findfunc", "runtime.pcvalue"}

// steps has how many instructions were taken, in all and by each function.
type steps struct {
	repetitions, all int
	of               map[string]int
}

// differences names the functions that take more or fewer instructions in b.
func differences(a, b steps) string {
	all := maps.Clone(a.of)
	maps.Copy(all, b.of)
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if d := b.of[name] - a.of[name]; 1000*max(d, -d) > a.all {
			fmt.Fprintf(&out, ", %+d in %s", d, strings.TrimPrefix(name, "runtime."))
		}
	}
	return out.String()
}

// count has a shape repeated a number of times, or often enough if that is 0. It runs the thread
// that asks for it step by step. With one P and without a collector no other thread has anything
// to do but sysmon's. So the others are stopped, and nothing depends on time.
func count(t *testing.T, app, shape string, repetitions int) steps {
	t.Helper()
	functions, mark := symbols(t, app)
	runtime.LockOSThread() // that of the tracer must not change
	defer runtime.UnlockOSThread()
	cmd := exec.Command(app, shape)
	cmd.Env = append(os.Environ(), "GONUMA=off", "GOMAXPROCS=1", "GOGC=off", "GODEBUG=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); errors.Is(err, syscall.EPERM) {
		t.Skip("no process may be traced here: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		// The first thread is the last to be waited for. The tracer waits for the others, too.
		for err := error(nil); err == nil || err == syscall.EINTR; {
			_, err = syscall.Wait4(-1, nil, syscall.WALL|syscall.WNOTHREAD, nil)
		}
		cmd.Process.Release()
	}()
	check := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatalf("%s %s: %v", app, shape, err)
		}
	}
	threads := map[int]bool{}
	next := func(of int) (tid int, status syscall.WaitStatus) {
		tid, err := syscall.Wait4(of, &status, syscall.WALL|syscall.WNOTHREAD, nil)
		check(err)
		threads[tid] = !status.Exited()
		return tid, status
	}
	next(cmd.Process.Pid)
	check(syscall.PtraceSetOptions(cmd.Process.Pid, syscall.PTRACE_O_TRACECLONE))
	tid := cmd.Process.Pid
	for signal := syscall.Signal(0); ; {
		check(syscall.PtraceCont(tid, int(signal)))
		var status syscall.WaitStatus
		tid, status = next(-1)
		if signal = status.StopSignal(); signal == syscall.SIGUSR1 {
			break
		}
		if signal == syscall.SIGTRAP || signal == syscall.SIGSTOP { // a new thread, and its maker
			signal = 0
		}
	}
	for other, lives := range threads {
		// One that is not in a system call may hold a lock.
		for stopped := false; lives && other != tid && !stopped; {
			check(syscall.Tgkill(cmd.Process.Pid, other, syscall.SIGSTOP))
			next(other)
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/syscall", cmd.Process.Pid, other))
			check(err)
			if stopped = !strings.HasPrefix(string(text), "-1"); !stopped {
				check(syscall.PtraceCont(other, 0))
			}
		}
	}
	all := steps{of: map[string]int{}}
	at := map[uint64]int{}
	var regs syscall.PtraceRegs
	for over := false; !over; {
		check(syscall.PtraceSingleStep(tid))
		next(tid)
		check(syscall.PtraceGetRegs(tid, &regs))
		at[regs.PC()]++
		all.all++
		if regs.PC() == mark {
			all.repetitions++
			whole := all.repetitions == 1 || all.repetitions%turns == 0
			over = all.repetitions == repetitions || repetitions == 0 && all.all >= enough && whole
		}
	}
	for pc, times := range at {
		i := sort.Search(len(functions), func(i int) bool { return functions[i].Value > pc })
		if name := functions[max(i, 1)-1].Name; slices.Contains(chance, name) {
			all.all -= times
		} else {
			all.of[name] += times
		}
	}
	return all
}

// symbols returns a program's functions, by address, and where mark is.
func symbols(t *testing.T, app string) (functions []elf.Symbol, mark uint64) {
	t.Helper()
	f, err := elf.Open(app)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			functions = append(functions, s)
		}
		if s.Name == "main.mark" {
			mark = s.Value
		}
	}
	slices.SortFunc(functions, func(a, b elf.Symbol) int { return int(int64(a.Value) - int64(b.Value)) })
	return functions, mark
}
