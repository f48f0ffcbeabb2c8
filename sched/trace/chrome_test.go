package trace_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/host/hosttest"
	"numasched/sched/internal/machine"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/sched/trace"
)

// checkChrome checks a file by the rules of the trace event format: every event has what its
// kind needs; times of a track do not go back; slices nest and end; an arrow has two ends,
// in order, on slices that are open; every track has a name. It returns how many events of
// each kind there are, and how many arrows of each category.
func checkChrome(t *testing.T, data []byte) (kinds, arrows map[string]int) {
	t.Helper()
	var file struct {
		TraceEvents []struct {
			Name, Ph, Cat, Bp, S string
			Ts                   *float64
			Pid, Tid             *int
			ID                   int
			Args                 map[string]any
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	type track struct{ pid, tid int }
	open, last := make(map[track][]string), make(map[track]float64)
	processes, threads, used := make(map[int]bool), make(map[track]bool), make(map[track]bool)
	begun, ended := make(map[int]float64), make(map[int]bool)
	kinds, arrows = make(map[string]int), make(map[string]int)
	for i, e := range file.TraceEvents {
		bad := func(why string) { t.Errorf("event %d (%s %q): %s", i, e.Ph, e.Name, why) }
		kinds[e.Ph]++
		if e.Ts == nil || e.Pid == nil || e.Tid == nil || *e.Ts < 0 {
			bad("no time, process or thread")
			continue
		}
		tr := track{*e.Pid, *e.Tid}
		switch e.Ph {
		case "M":
			if name, _ := e.Args["name"].(string); name == "" {
				bad("names nothing")
			}
			if e.Name == "process_name" {
				processes[tr.pid] = true
			} else {
				threads[tr] = true
			}
			continue
		case "C":
			for key, v := range e.Args {
				if n, ok := v.(float64); !ok || n < 0 {
					bad(fmt.Sprintf("%s is %v", key, v))
				}
			}
			continue
		}
		used[tr] = true
		if *e.Ts < last[tr] {
			bad("time goes back")
		}
		last[tr] = *e.Ts
		switch e.Ph {
		case "B":
			open[tr] = append(open[tr], e.Name)
		case "E":
			n := len(open[tr])
			if n == 0 || e.Name != "" && open[tr][n-1] != e.Name {
				bad(fmt.Sprintf("ends what is not the last of %v", open[tr]))
				continue
			}
			open[tr] = open[tr][:n-1]
		case "i":
			if e.S != "t" {
				bad("has no scope")
			}
		case "s", "f":
			if len(open[tr]) == 0 || e.Cat == "" || e.ID == 0 {
				bad("hangs on nothing")
			}
			if e.Ph == "s" {
				begun[e.ID] = *e.Ts
			} else if from, ok := begun[e.ID]; !ok || ended[e.ID] || *e.Ts < from || e.Bp != "e" {
				bad("has no beginning, or ends before it")
			} else {
				ended[e.ID] = true
				arrows[e.Cat]++
			}
		default:
			bad("unknown kind")
		}
	}
	for tr, slices := range open {
		if len(slices) > 0 {
			t.Errorf("%v of %v never end", slices, tr)
		}
	}
	for tr := range used {
		if !threads[tr] || !processes[tr.pid] {
			t.Errorf("%v has no name", tr)
		}
	}
	return kinds, arrows
}

// program makes Gs wake each other, steal, fork, wait natively in system calls, and end.
func program(g *sched.G) {
	fib(g, sched.Arg{A: 10})
	c := sched.NewChan[int](g.Sched(), 0)
	var gr sched.Group
	for i := range 40 {
		gr.Go(g, func(g *sched.G) {
			g.Work(sched.Work{Ops: 100_000}, func() { time.Sleep(20 * time.Microsecond) })
			g.SyscallFor(100*time.Microsecond, func() { time.Sleep(100 * time.Microsecond) })
			if i%2 == 0 {
				c.Send(g, i)
			} else {
				c.Recv(g)
			}
			g.Yield()
		})
	}
	gr.Wait(g)
}

// recordOn runs program on m, and returns what WriteChrome makes of it.
func recordOn(t *testing.T, m sched.Machine, arm string) []byte {
	t.Helper()
	a, err := policy.ByName(arm)
	if err != nil {
		t.Fatal(err)
	}
	r := &trace.Recorder{Clock: true}
	s, err := sched.New(sched.Config{Machine: m, Arm: a, Seed: 1, Events: r.Sink})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Run(program); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := r.WriteChrome(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestChromeOfAHost(t *testing.T) {
	for _, arm := range policy.Arms {
		m := hosttest.Open(t, "synthetic:2x2", 0)
		kinds, arrows := checkChrome(t, recordOn(t, m, arm.Name))
		if kinds["B"] < 100 || kinds["C"] == 0 || arrows["wake"] == 0 {
			t.Errorf("%s: only %v and arrows %v", arm.Name, kinds, arrows)
		}
		m.Close()
	}
}

func TestChromeOfASimulatedMachine(t *testing.T) {
	p, err := sim.LoadPreset("synthetic:2x4")
	if err != nil {
		t.Fatal(err)
	}
	for _, arm := range []string{"gm", "flat", "numa"} {
		var first []byte
		for range 2 {
			m, err := sim.New(sim.Config{Preset: p})
			if err != nil {
				t.Fatal(err)
			}
			data := recordOn(t, m, arm)
			kinds, arrows := checkChrome(t, data)
			if kinds["B"] < 100 || kinds["C"] == 0 || arrows["wake"] == 0 || arm == "flat" && arrows["steal"] == 0 {
				t.Errorf("%s: only %v and arrows %v", arm, kinds, arrows)
			}
			if first == nil {
				first = data
			} else if !bytes.Equal(first, data) {
				t.Errorf("%s: the same run makes another file", arm)
			}
		}
	}
}

// That Gs wait natively is shown on the track of the M that has found it, and on that of a P.
func TestChromeOfStuckGs(t *testing.T) {
	p, err := sim.LoadPreset("synthetic:1x2")
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(sim.Config{Preset: p})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.Config{Machine: m, Arm: policy.Arms[1]})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := &trace.Recorder{}
	caller, sysmon := r.Sink(&machine.M{ID: -1}), r.Sink(&machine.M{ID: 3})
	caller.Event(nil, machine.Event{Kind: machine.EventNewM, M: -1, P: -1, Seq: 1, Arg: 3})
	sysmon.Event(nil, machine.Event{Kind: machine.EventStuck, M: 3, P: 1, Arg: 2})
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if err := r.WriteChrome(&out, s); err != nil {
		t.Fatal(err)
	}
	if kinds, _ := checkChrome(t, out.Bytes()); kinds["i"] != 2 || !strings.Contains(out.String(), "2 Gs wait natively") || !strings.Contains(out.String(), `"M3"`) {
		t.Errorf("%v in\n%s", kinds, out.String())
	}
}
