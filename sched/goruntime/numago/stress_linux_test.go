package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// Everything that makes Ms, Ps and goroutines change hands. The program always has something
// to run, so its threads may not all sleep for long. Of each pair that talks, one can always
// run, so no pair may stand still while the program gets much CPU time. And the program must end.
// A lost wake-up would have one of these happen.
// NUMAGO_STRESS says how long each mode runs, and NUMAGO_STRESS_MODES which there are.
func TestStress(t *testing.T) {
	app := program(t, "stress")
	length, modes := 2*time.Second, []string{"off", "2", "4", "2,heap"}
	if s := os.Getenv("NUMAGO_STRESS"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	if s := os.Getenv("NUMAGO_STRESS_MODES"); s != "" {
		modes = strings.Fields(s)
	}
	for _, mode := range modes {
		out, w := watched(t, func(w *watch) bool {
			return w.asleep > 10*tooLong || w.stranded > patience || w.late > patience
		}, mode, app, length.String())
		t.Logf("GONUMA=%s: looked %d times, %d of them at the threads; at most %v all asleep; CPU time: at most %v without progress, %v without that of some pair, %v after the end:\n%s", mode, w.looks, w.snapshots, w.asleep, w.busy, w.stranded, w.late, out)
		if !hasSchedstat {
			t.Log("whether all threads slept is not known:", noSchedstat)
		}
		if w.asleep > tooLong {
			t.Errorf("GONUMA=%s: all threads slept for %v, and there was work", mode, w.asleep)
		}
		if w.stranded > patience {
			t.Errorf("GONUMA=%s: a pair stood still while the program got %v of CPU time", mode, w.stranded)
		}
		if w.late > patience {
			t.Errorf("GONUMA=%s: the program was to end after %v, and has got %v of CPU time since", mode, length, w.late)
		}
	}
}

// The watch sees a program that sleeps beside its work, and one that goes round and round. How
// soon it does is up to the machine.
func TestWatchSees(t *testing.T) {
	if !hasSchedstat {
		t.Skip(noSchedstat)
	}
	app := program(t, "stress")
	const much = 2 * tooLong
	if _, w := watched(t, func(w *watch) bool { return w.asleep > much }, "off", app, "1m", "asleep"); w.asleep <= much {
		t.Errorf("the program slept for a minute, and the watch says %v", w.asleep)
	}
	if _, w := watched(t, func(w *watch) bool { return w.busy > much }, "off", app, "1m", "busy"); w.asleep > tooLong || w.busy <= much {
		t.Errorf("the program looped for a minute, and the watch says that it slept for %v and ran for %v", w.asleep, w.busy)
	}
}

// It sees one pair that stands still beside others that go on, and a program that does not end.
func TestWatchSeesStranded(t *testing.T) {
	app := program(t, "stress")
	const much = 200 * time.Millisecond
	if _, w := watched(t, func(w *watch) bool { return w.stranded > much }, "off", app, "1m", "stranded"); w.stranded <= much {
		t.Errorf("a pair stood still for a minute, and the watch says for %v of CPU time", w.stranded)
	}
	if _, w := watched(t, func(w *watch) bool { return w.late > much }, "off", app, "100ms", "endless"); w.late <= much {
		t.Errorf("the program did not end, and the watch says that it got %v of CPU time after its end", w.late)
	}
}

// patience is how much CPU time the program may get while a pair stands still, and after it was
// to end. The kernel may leave the thread of a pair waiting for a CPU while the others
// run on all of these.
var patience = time.Duration(runtime.NumCPU()) * 2 * time.Second

// endless is how long the program may go on after it was to end if it gets no CPU time.
const endless = 3 * time.Minute

const noSchedstat = "there is no /proc/self/schedstat: the kernel was built without CONFIG_SCHED_INFO"

var hasSchedstat = func() bool { _, err := os.Stat("/proc/self/schedstat"); return err == nil }()

// tooLong is for how long the threads may all sleep. In Go's own scheduler, too, they do when
// all Ps are in system calls that block: sysmon, which sleeps for up to 10 ms between two
// looks, takes a P away at the second look. A wake-up that is lost comes never.
const tooLong = 50 * time.Millisecond

// watched runs the stress program and watches it, to its end or until that is enough.
func watched(t *testing.T, enough func(*watch) bool, gonuma, app string, args ...string) (out string, w watch) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "progress")
	if err := os.WriteFile(file, make([]byte, os.Getpagesize()), 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page, err := syscall.Mmap(int(f.Fd()), 0, os.Getpagesize(), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(page)
	w.counts = (*counts)(unsafe.Pointer(&page[0]))
	if w.length, err = time.ParseDuration(args[0]); err != nil {
		t.Fatal(err)
	}
	var outs, errs strings.Builder
	cmd := exec.Command(app, args...)
	cmd.Stdout, cmd.Stderr = &outs, &errs
	cmd.Env = append(os.Environ(), "GONUMA="+gonuma, "NUMAGO_PROGRESS="+file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.dir = fmt.Sprintf("/proc/%d", cmd.Process.Pid)
	done := make(chan error)
	go func() { done <- cmd.Wait() }()
	killed := false
	limit := time.After(w.length + endless)
	for {
		select {
		case err := <-done:
			if err != nil && !killed {
				t.Fatalf("GONUMA=%s: %v\n%s", gonuma, err, errs.String())
			}
			return outs.String(), w
		case <-limit:
			cmd.Process.Kill()
			<-done
			t.Fatalf("GONUMA=%s: the program was to end after %v, and %v later it had not\n%s", gonuma, w.length, endless, errs.String())
		case <-time.After(5 * time.Millisecond):
			w.look()
			w.lookAtPairs()
			if enough != nil && enough(&w) && !killed {
				killed = true
				cmd.Process.Kill()
			}
		}
	}
}

// A watch looks at a program from outside. How busy the machine is does not matter: it asks
// the kernel for how long each thread ran and for how long it waited for a CPU, and in a virtual
// machine for how long the host had taken the CPUs away. What is left of the time is time in
// which all threads slept.
type watch struct {
	*counts
	dir    string // the process's
	length time.Duration
	since  *snapshot

	began    time.Time
	atEnd    time.Duration // what CPU time it had when it was to end, or 0
	lastSeen [len(counts{}.pairs)]struct {
		count uint64
		cpu   time.Duration
	}

	looks, snapshots int
	asleep, busy     time.Duration // at most, without progress
	stranded         time.Duration // CPU time, at most, while a pair stood still
	late             time.Duration // CPU time since it was to end
}

// The program's counts are in shared memory. All is 0 until it has begun, and again when it ends.
type counts struct {
	all   atomic.Uint64
	pairs [6]atomic.Uint64
}

// A snapshot has what the threads did until a time.
type snapshot struct {
	progress uint64
	at       time.Time
	ran      map[string]times
	stolen   time.Duration
}

type times struct{ ran, waited time.Duration }

func (w *watch) look() {
	now := w.all.Load()
	w.looks++
	if now == 0 || w.since != nil && w.since.progress != now {
		w.since = nil
	}
	if now == 0 {
		return
	}
	at := time.Now()
	if w.since == nil {
		// Whoever runs or waits now has this counted later, so that the result is less.
		ran, _ := w.threads()
		stolen := stolen()
		w.since = &snapshot{now, time.Now(), ran, stolen}
		return
	}
	// Only of a thread that sleeps does the kernel tell all. So those that do not are asked for first.
	w.snapshots++
	asleep := w.allSleep()
	ran, ok := w.threads()
	if !ok || w.all.Load() != now {
		w.since = nil
		return
	}
	var busy, waited time.Duration
	for tid, is := range ran {
		was := w.since.ran[tid] // nothing, if it is new
		busy += is.ran - was.ran
		waited += is.waited - was.waited
	}
	for tid := range w.since.ran {
		if _, ok := ran[tid]; !ok { // it has ended, and what it did is lost
			w.since = nil
			return
		}
	}
	w.busy = max(w.busy, busy)
	if asleep {
		w.asleep = max(w.asleep, at.Sub(w.since.at)-busy-waited-(stolen()-w.since.stolen))
	}
}

// lookAtPairs counts in CPU time of the whole process, so that it does not matter how busy the
// machine is.
func (w *watch) lookAtPairs() {
	cpu, ok := w.cpuTime()
	if !ok || w.all.Load() == 0 {
		return
	}
	if w.began.IsZero() {
		w.began = time.Now()
		for i := range w.lastSeen {
			w.lastSeen[i].cpu = cpu
		}
	}
	for i := range w.lastSeen {
		last := &w.lastSeen[i]
		if now := w.pairs[i].Load(); now != last.count {
			last.count, last.cpu = now, cpu
		}
		w.stranded = max(w.stranded, cpu-last.cpu)
	}
	if time.Since(w.began) > w.length {
		if w.atEnd == 0 {
			w.atEnd = cpu
		}
		w.late = cpu - w.atEnd
	}
}

// cpuTime returns how long the process has run, threads that have ended included.
func (w *watch) cpuTime() (all time.Duration, ok bool) {
	text, err := os.ReadFile(filepath.Join(w.dir, "stat"))
	if err != nil {
		return 0, false
	}
	// After the name, which is in parentheses: state, ten others, utime, stime, in hundredths of
	// a second.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, false
	}
	for _, f := range fields[11:13] {
		ticks, err := strconv.Atoi(f)
		if err != nil {
			return 0, false
		}
		all += time.Duration(ticks) * 10 * time.Millisecond
	}
	return all, true
}

// threads returns what each thread has done so far, unless the program has ended.
func (w *watch) threads() (all map[string]times, ok bool) {
	all = map[string]times{}
	dirs, err := os.ReadDir(filepath.Join(w.dir, "task"))
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(w.dir, "task", dir.Name(), "schedstat"))
		var t times
		if err != nil {
			continue // it has ended
		}
		if _, err := fmt.Sscan(string(text), &t.ran, &t.waited); err == nil {
			all[dir.Name()] = t
		}
	}
	return all, err == nil && len(all) > 0
}

// allSleep reports whether no thread runs, waits for a CPU, or waits for a disk.
func (w *watch) allSleep() bool {
	dirs, err := os.ReadDir(filepath.Join(w.dir, "task"))
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(w.dir, "task", dir.Name(), "stat"))
		if err != nil {
			continue
		}
		// The state follows the name, which is in parentheses.
		_, rest, _ := strings.Cut(string(text), ") ")
		if !strings.HasPrefix(rest, "S") {
			return false
		}
	}
	return err == nil
}

// stolen is for how long hosts have taken CPUs away from this machine, in all.
func stolen() (all time.Duration) {
	text, _ := os.ReadFile("/proc/stat")
	// cpu, then user, nice, system, idle, iowait, irq, softirq, steal, in hundredths of a second.
	if fields := strings.Fields(string(text)); len(fields) > 8 {
		ticks, _ := strconv.Atoi(fields[8])
		all = time.Duration(ticks) * 10 * time.Millisecond
	}
	return all
}
