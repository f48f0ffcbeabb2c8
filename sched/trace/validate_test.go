package trace

import (
	"fmt"
	"strings"
	"testing"

	"numasched/sched"
	"numasched/sched/internal/machine"
)

// parse reads a stream of events, one a line: the M, the kind, the object, and for some
// kinds more:
//
//	M0 spawn G1          caller spawn G1
//	M0 acquire P0        M0 wake M1
//	M0 park G1 chan receive
//	M0 steal G1 2 P1     M0 steal G1 2 node 0
//	M2 stuck P0 3
//
// It counts the events of every object, as the scheduler does.
func parse(t *testing.T, text string) (all []machine.Event) {
	t.Helper()
	kinds, reasons := make(map[string]machine.EventKind), make(map[string]uint64)
	for k := range machine.NumEventKinds {
		kinds[k.String()] = k
	}
	for r := sched.WaitReason(0); !strings.HasPrefix(r.String(), "WaitReason("); r++ {
		reasons[r.String()] = uint64(r)
	}
	seqs := make(map[object]uint32)
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		kind, ok := kinds[f[1]]
		e := machine.Event{Kind: kind, M: -1, P: -1}
		if f[0] != "caller" {
			ok = ok && scan(f[0], "M%d", &e.M)
		}
		if len(f) > 2 {
			var id int32
			switch f[2][0] {
			case 'G':
				ok = ok && scan(f[2], "G%d", &e.G)
			case 'P':
				ok = ok && scan(f[2], "P%d", &e.P)
			default:
				ok = ok && scan(f[2], "M%d", &id)
				e.Arg = uint64(id)
			}
		}
		rest := strings.Join(f[min(3, len(f)):], " ")
		var n, from uint64
		switch {
		case kind == machine.EventPark:
			e.Arg, ok = reasons[rest]
		case kind == machine.EventSteal && scan(rest, "%d P%d", &n, &from):
			e.Arg = n | from<<32
		case kind == machine.EventSteal:
			ok = ok && scan(rest, "%d node %d", &n, &from)
			e.Arg = n | uint64(^uint32(from))<<32
		case kind == machine.EventStuck:
			ok = ok && scan(rest, "%d", &e.Arg)
		case kind == machine.EventAcquire:
			e.Arg = uint64(seqs[object{'M', int64(e.M)}])
		}
		if !ok {
			t.Fatalf("cannot read %q", line)
		}
		e.Seq = 1 // of some object, which objectOf then names
		if o := objectOf(&e); o.kind == 0 || o == (object{'G', 0}) {
			e.Seq = 0
		} else {
			seqs[o]++
			e.Seq = seqs[o]
		}
		all = append(all, e)
	}
	return all
}

func scan(text, format string, to ...any) bool {
	n, err := fmt.Sscanf(text, format, to...)
	return err == nil && n == len(to)
}

// begun is how M0 comes to run G1, and M1 to hold P1.
const begun = `
caller spawn G1
caller unidle P0
caller newm M0
M0 acquire P0
M0 start G1
M0 unidle P1
M0 newm M1
M1 acquire P1
`

// good is a stream in which every kind of event occurs.
const good = begun + `
M0 spawn G2
M0 spawn G3
M0 spawn G4
M1 steal G2 2 P0
M1 start G2
M0 inline G3
M0 end G3
M0 park G1 join
M0 start G4
M1 end G2
M1 ready G1
M1 start G1
M1 join G2
M1 wait G1
M1 spawn G2
M0 syscall G4
M0 release P0
M1 retake P0
M1 handoff P0
M1 idle P0
M0 sysexit G4
M0 park G4 syscall
M0 requeue G4
M0 sleep M0
M1 unidle P0
M1 wake M0
M0 acquire P0
M0 steal G4 1 node 0
M0 start G4
M0 steal G0 3 P1
M0 syscall G4
M0 release P0
M0 sysexit G4
M0 acquire P0
M0 park G4 chan receive
M1 end G1
M1 start G2
M1 end G2
M1 release P1
M1 sleep M1
M1 idle P1
caller admit P2
caller idle P2
caller unidle P2
caller dismiss P2
caller admit P2
caller idle P2
caller newm M2
M2 stuck P0 3
caller stop
caller unidle P1
caller wake M1
M1 endm
M0 endm
`

func TestAGoodStreamIsAccepted(t *testing.T) {
	var v Validator
	seen := make(map[machine.EventKind]bool)
	for _, e := range parse(t, good) {
		seen[e.Kind] = true
		if err := v.Check(&e); err != nil {
			t.Fatal(err)
		}
	}
	for k := range machine.NumEventKinds {
		if !seen[k] {
			t.Errorf("no %s among the events", k)
		}
	}
}

// A stream is refused at its last event.
func TestBrokenStreamsAreRefused(t *testing.T) {
	for _, c := range []struct{ stream, why string }{
		// Gs
		{"M0 start G9", "G 9 has not been made, or has ended: only what is ready can start"},
		{"M0 spawn G2\nM0 spawn G2", "G 2 has not run yet: it cannot be made again"},
		{"M0 spawn G1", "G 1 runs on M0: it cannot be made again"},
		{"M1 start G1", "G 1 runs on M0: only what is ready can start"},
		{"M0 spawn G2\nM0 start G2", "G 1 runs on M0: an M runs one G at a time"},
		{"M0 park G1 chan send\nM1 start G1", "G 1 has parked on M0: only what is ready can start"},
		{"M0 park G1 chan send\nM1 ready G1\nM0 ready G1", "G 1 is ready: only what has parked can become ready"},
		{"M1 ready G1", "G 1 runs on M0: only what has parked can become ready"},
		{"M0 spawn G2\nM1 ready G2", "G 2 has not run yet: only what has parked can become ready"},
		{"M0 park G1 runnable\nM1 requeue G1", "only the M that it parked on can put it back"},
		{"M1 park G1 join", "G 1 runs on M0: only what runs on M1 can"},
		{"M0 end G1\nM0 start G1", "G 1 has ended: only what is ready can start"},
		{"M0 end G1\nM0 park G1 join", "G 1 has ended: only what runs on M0 can"},
		{"M0 end G1\nM1 ready G1", "G 1 has ended: only what has parked can become ready"},
		{"M0 end G1\nM0 end G1", "G 1 has ended: only what runs on M0 can"},
		{"M0 spawn G2\nM0 inline G2\nM0 end G1", "G 1 waits beneath another that runs on M0"},
		{"M0 spawn G2\nM0 inline G2\nM0 park G2 join\nM1 ready G2\nM1 start G2\nM1 end G2\nM0 end G1", "G 1 runs on M1: only what runs on M0 can"},
		{"M0 spawn G2\nM1 inline G2", "M1 runs no G that could join"},
		{"M0 spawn G2\nM1 start G2\nM1 park G2 join\nM0 ready G2\nM0 inline G2", "G 2 is ready: only what has not run can run inside a join"},
		{"M0 spawn G2\nM0 join G2", "G 2 has not run yet: only what has ended, and was not joined, can be joined"},
		{"M0 spawn G2\nM1 start G2\nM1 end G2\nM0 join G2\nM0 join G2", "only what has ended, and was not joined"},
		{"M0 spawn G2\nM1 start G2\nM1 end G2\nM1 join G2", "M1 runs no G that could join"},
		{"M1 wait G1", "only what runs on M1 can"},
		{"M1 steal G1 1 P0", "G 1 runs on M0: only what is queued can be stolen"},
		{"M0 park G1 join\nM1 steal G1 1 P0", "G 1 has parked on M0: only what is queued can be stolen"},
		{"M0 spawn G2\nM1 steal G2 0 P0", "a theft takes something from somebody else"},
		{"M0 spawn G2\nM1 steal G2 1 P1", "a theft takes something from somebody else"},
		{"M0 park G1 join\nM0 release P0\nM1 ready G1\nM0 start G1", "M0 holds no P"},
		{"M0 start G0", "it names no G"},
		// system calls
		{"M0 syscall G1\nM0 spawn G2", "G 1 is in a system call on M0: its M does nothing meanwhile"},
		{"M0 sysexit G1", "only what is in a system call on M0 can return from it"},
		{"M0 release P0", "G 1 runs on M0: its M must keep its P"},
		{"M0 syscall G1\nM0 release P0\nM0 sysexit G1\nM0 park G1 join", "M0 holds no P"},
		{"M0 syscall G1\nM0 release P0\nM1 release P1\nM1 acquire P0", "P0 was left by M0 in a system call: an M cannot come to hold it"},
		{"M0 syscall G1\nM0 release P0\nM1 retake P0\nM1 retake P0", "P0 is in nobody's hands: only what was left in a system call can be retaken"},
		{"M1 retake P0", "P0 is held by M0: only what was left in a system call can be retaken"},
		// Ps
		{"M1 release P1\nM1 acquire P0", "P0 is held by M0: an M cannot come to hold it"},
		{"M1 acquire P2", "M1 holds P1 already"},
		{"M1 release P1\nM1 acquire P2", "P2 is idle: an M cannot come to hold it"},
		{"M1 release P0", "P0 is held by M0: only its M can let it go"},
		{"M0 idle P1", "P1 is held by M1: it cannot become idle"},
		{"M0 unidle P1", "P1 is held by M1: only an idle P can be taken off a list"},
		{"M1 release P1\nM1 idle P1\nM1 unidle P1\nM0 unidle P1", "P1 is in nobody's hands: only an idle P can be taken off a list"},
		{"M0 handoff P1", "P1 is held by M1: only what nobody holds can be handed on"},
		{"M0 unidle P2\nM5 acquire P2", "M5 was not started"},
		{"M1 release P1\nM1 sleep M1\nM1 acquire P1", "M1 is on an idle list"},
		// Ms
		{"M0 newm M1", "M1 was started before"},
		{"M0 wake M1", "M1 is on no idle list"},
		{"M0 wake M7", "M7 was not started"},
		{"M1 sleep M1", "M1 can go to sleep by itself, without a P and once"},
		{"M1 release P1\nM0 sleep M1", "M1 can go to sleep by itself, without a P and once"},
		{"M1 endm\nM1 release P1", "the M has ended"},
		{"M1 stuck P0 1", "M1 holds a P: only sysmon finds who waits natively"},
		{"M0 newm M2\nM2 stuck P0 0", "it names no P, or no G"},
	} {
		var v Validator
		events := parse(t, begun+c.stream)
		last := len(events) - 1
		for i, e := range events {
			err := v.Check(&e)
			switch {
			case i < last && err != nil:
				t.Errorf("%q: too early: %v", c.stream, err)
			case i == last && err == nil:
				t.Errorf("%q: accepted, want %q", c.stream, c.why)
			case i == last && (!strings.Contains(err.Error(), c.why) || !strings.Contains(err.Error(), e.String())):
				t.Errorf("%q: %v, want %q and %q", c.stream, err, e, c.why)
			}
		}
	}
}

func TestQuiet(t *testing.T) {
	for _, c := range []struct{ stream, want string }{
		{"M0 end G1", "P0 is not idle"},
		{"M0 spawn G2", "G 1 runs on M0"},
		{"M0 spawn G2\nM0 end G1", "G 2 has not run yet"},
		{"M0 end G1\nM0 release P0\nM0 idle P0\nM1 release P1\nM1 idle P1", ""},
		{"M0 park G1 join\nM0 release P0\nM0 idle P0\nM1 release P1\nM1 idle P1", ""},
	} {
		var v Validator
		for _, e := range parse(t, begun+c.stream) {
			if err := v.Check(&e); err != nil {
				t.Fatal(err)
			}
		}
		if err := v.Quiet(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.stream, err, c.want)
		}
	}
}

// logsOf distributes events to logs by their M.
func logsOf(events []machine.Event) *Recorder {
	r := new(Recorder)
	addTo(r, make(map[int32]*machine.EventLog), events)
	return r
}

func addTo(r *Recorder, byM map[int32]*machine.EventLog, events []machine.Event) {
	for _, e := range events {
		if byM[e.M] == nil {
			byM[e.M] = r.newLog(e.M)
		}
		byM[e.M].Event(nil, e)
	}
}

func TestLogsAreMergedInTheOrderOfCauses(t *testing.T) {
	events := parse(t, good)
	n := 0
	if err := logsOf(events).Merge(func(*Record) error { n++; return nil }); err != nil || n != len(events) {
		t.Errorf("%d of %d events, %v", n, len(events), err)
	}
	if err := logsOf(events).Validate(); err != nil {
		t.Error(err)
	}
	// A log that was cut ends early, and so does what needs more of it.
	r := new(Recorder)
	r.Limit = 1 // which is rounded up to a chunk
	m0 := r.newLog(0)
	filled := 0
	for ; filled < 2048-5; filled++ {
		m0.Event(nil, machine.Event{Kind: machine.EventStop, M: 0, P: -1})
	}
	n = -filled
	addTo(r, map[int32]*machine.EventLog{0: m0}, events)
	if err := r.Merge(func(*Record) error { n++; return nil }); err != nil || n < 5 || n >= len(events)-5 {
		t.Errorf("%d events of logs that are cut, %v", n, err)
	}
}

// Without any one event that another follows, the logs do not fit together.
func TestAMissingEventIsNoticed(t *testing.T) {
	events := parse(t, good)
	last := make(map[object]int)
	for i := range events {
		last[objectOf(&events[i])] = i
	}
	for i := range events {
		o := objectOf(&events[i])
		if last[o] == i || o.kind == 0 {
			continue
		}
		err := logsOf(append(append([]machine.Event(nil), events[:i]...), events[i+1:]...)).Merge(func(*Record) error { return nil })
		if want := fmt.Sprintf("event %d of %s is missing", events[i].Seq, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without event %d, %s: %v, want %q", i, events[i], err, want)
		}
	}
}
