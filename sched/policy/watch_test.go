package policy

import (
	"fmt"
	"testing"
)

// walkSteps follows a step machine with these answers, and returns where it ends.
func walkSteps[S interface {
	comparable
	Next(bool) S
}](first S, ends []S, answers map[S]bool) (asked []S, end S) {
	for step := first; ; step = step.Next(answers[step]) {
		for _, e := range ends {
			if step == e {
				return asked, step
			}
		}
		asked = append(asked, step)
	}
}

func TestWhenSysmonTakesAP(t *testing.T) {
	for _, c := range []struct {
		yes  map[Retake]bool
		want Retake
		why  string
	}{
		{map[Retake]bool{CallHasWork: true, OthersFree: true, IsPatient: true}, TakeP, "Gs wait in its ring"},
		{map[Retake]bool{QueueHasWork: true, OthersFree: true, IsPatient: true}, TakeP, "Gs wait in its Node's queue"},
		{map[Retake]bool{IsPatient: true}, TakeP, "nobody else would take up what comes"},
		{map[Retake]bool{OthersFree: true, IsPatient: true}, LeaveP, "nobody needs it"},
		{map[Retake]bool{OthersFree: true}, TakeP, "the call is long"},
	} {
		if _, got := walkSteps(CallHasWork, []Retake{TakeP, LeaveP}, c.yes); got != c.want {
			t.Errorf("%v: step %d, want %d: %s", c.yes, got, c.want, c.why)
		}
	}
}

// sysmon takes no P away from a call that it sees for the first time.
func TestACallIsSeenTwice(t *testing.T) {
	var s Sighting
	for i, c := range []struct {
		call    uint32
		now     int64
		seen    bool
		patient bool
	}{
		{1, 0, false, true},
		{1, SyscallPatience - 1, true, true},
		{1, SyscallPatience, true, false},
		{3, SyscallPatience + 1, false, true},
		{3, 2 * SyscallPatience, true, true},
	} {
		if seen, patient := s.Seen(c.call, c.now), s.Patient(c.now); seen != c.seen || patient != c.patient {
			t.Errorf("look %d: seen before %v, patient %v, want %v, %v", i, seen, patient, c.seen, c.patient)
		}
	}
}

func TestWhenSysmonAsksForAP(t *testing.T) {
	for _, c := range []struct {
		yes  map[Ask]bool
		want Ask
		why  string
	}{
		{nil, LeaveSlice, "nobody waits"},
		{map[Ask]bool{RingWaits: true}, AskForP, "a G waits in its ring"},
		{map[Ask]bool{QueueWaits: true}, AskForP, "a G waits in its Node's queue"},
		{map[Ask]bool{NextWaits: true, NoneIdle: true}, AskForP, "what runs next can run nowhere else"},
		{map[Ask]bool{NextWaits: true}, LeaveSlice, "an idle P could have stolen what runs next"},
		{map[Ask]bool{NoneIdle: true}, LeaveSlice, "nothing runs next"},
		{map[Ask]bool{TimerWaits: true}, AskForP, "a timer is due"},
		{map[Ask]bool{NextWaits: true, TimerWaits: true}, AskForP, "a timer is due"},
	} {
		if _, got := walkSteps(RingWaits, []Ask{AskForP, LeaveSlice}, c.yes); got != c.want {
			t.Errorf("%v: step %d, want %d: %s", c.yes, got, c.want, c.why)
		}
	}
}

func TestWhatBecomesOfAPThatIsHandedOff(t *testing.T) {
	for _, c := range []struct {
		yes   map[Handoff]bool
		asked string
		want  Handoff
	}{
		{map[Handoff]bool{HasOwn: true}, "[0]", GiveToM},
		{map[Handoff]bool{HasQueued: true}, "[0 1]", GiveToM},
		{nil, "[0 1 2]", GiveToM}, // something was queued before it was idle
		{map[Handoff]bool{MakeIdle: true}, "[0 1 2 3 4]", StayIdle},
		{map[Handoff]bool{MakeIdle: true, AnyWork: true}, "[0 1 2 3]", WakeM},
		{map[Handoff]bool{MakeIdle: true, AnyTimers: true}, "[0 1 2 3 4]", WakeM},
	} {
		asked, got := walkSteps(HasOwn, []Handoff{GiveToM, WakeM, StayIdle}, c.yes)
		if fmt.Sprint(asked) != c.asked || got != c.want {
			t.Errorf("%v: asks %v and ends with %d, want %s and %d", c.yes, asked, got, c.asked, c.want)
		}
	}
}

// sysmon looks every 20 us, after 50 vain looks more and more seldom, and every 20 us
// again when there was something to do.
func TestHowOftenSysmonLooks(t *testing.T) {
	var p Pace
	for i := range WatchPause {
		if p.Delay() != WatchMin {
			t.Fatalf("look %d is after %d ns", i, p.Delay())
		}
		p.Looked(false)
	}
	for want := int64(WatchMin); want < WatchMax; want *= 2 {
		if p.Delay() != want {
			t.Errorf("a look after %d ns, want %d", p.Delay(), want)
		}
		p.Looked(false)
	}
	for range 100 {
		p.Looked(false)
	}
	if p.Delay() != WatchMax {
		t.Errorf("a look after %d ns, want %d", p.Delay(), WatchMax)
	}
	p.Looked(true)
	if p.Delay() != WatchMin {
		t.Errorf("a look after %d ns when there was something to do", p.Delay())
	}
	slices := 0
	for now := int64(SliceTime); now < 5*SliceTime; now += WatchMin {
		if p.Slices(now) {
			slices++
		}
	}
	if slices != 4 {
		t.Errorf("%d looks at slices in the time of 4", slices)
	}
}

// sysmon sleeps when every P was idle at a number of looks in a row, and afterwards counts anew.
func TestWhenSysmonSleeps(t *testing.T) {
	var p Pace
	for round := range 3 {
		for i := range SleepLooks {
			if got := p.MaySleep(true, 0); got != (i == SleepLooks-1) {
				t.Errorf("round %d: sleeps after %d looks: %v", round, i+1, got)
			}
			if round == 0 && i == SleepLooks/2 {
				break
			}
		}
		if round == 0 && p.MaySleep(false, 0) {
			t.Error("sleeps while a P is busy")
		}
		if round > 0 {
			p.Again()
		}
	}
}

func TestWhenTimersAreOverdue(t *testing.T) {
	const due = 5_000_000
	for _, c := range []struct {
		when, asked, now int64
		want             bool
	}{
		{0, 0, 1 << 60, false},
		{due, 0, due, false},
		{due, 0, due + TimersLate - 1, false},
		{due, 0, due + TimersLate, true},
		{due, due + TimersLate, due + TimersLate + 1, false},
		{due, due + TimersLate, due + 2*TimersLate, true},
	} {
		if got := TimersOverdue(c.when, c.asked, c.now); got != c.want {
			t.Errorf("due at %d, asked at %d, now %d: %v", c.when, c.asked, c.now, got)
		}
	}
}

// sysmon asks about a G once, and after each question it waits longer.
func TestHowOftenSysmonAsksWhatIsStuck(t *testing.T) {
	var asks StuckAsks
	now, last, pause := int64(0), int64(0), int64(StuckAfter)
	for range 8 {
		var g Stuck
		g.Fresh(now)
		for !asks.Due(&g, StuckAfter, now) {
			now += StuckAfter / 10
		}
		asks.Asked(&g, StuckAfter, now)
		if asks.Due(&g, StuckAfter, now+1000*StuckAfter) {
			t.Error("sysmon would ask twice about the same G")
		}
		if last != 0 && now-last < pause {
			t.Errorf("a question %d ns after the last, want %d", now-last, pause)
		}
		if last != 0 {
			pause = min(2*pause+StuckAfter, StuckAsksMax)
		}
		last = now
	}
}

func TestHowLongALockIsLookedAt(t *testing.T) {
	for n, want := range []Spin{PauseCPU, PauseCPU, PauseCPU, PauseCPU, YieldThread, SleepOnLock, SleepOnLock} {
		if got := SpinFor(uint32(n)); got != want {
			t.Errorf("after %d looks: %d, want %d", n, got, want)
		}
	}
}

func TestWhereAGGoesThatNobodyHasReadied(t *testing.T) {
	numa, flat := &Rules{Homes: true}, &Rules{}
	for _, c := range []struct {
		rules      *Rules
		home, here int32
		hasPs      bool
		want       Where
	}{
		{flat, 1, 0, true, Here},
		{numa, 1, 0, true, AtHome},
		{numa, 1, 0, false, Here},
		{numa, 1, 1, true, Here},
		{numa, -1, 0, true, Here},
		{numa, 1, -1, true, AtHome},
		{numa, -1, -1, false, Here},
	} {
		if got := c.rules.Place(c.home, c.here, c.hasPs); got != c.want {
			t.Errorf("homes %v: at home on %d, here %d, Ps there %v: %d, want %d", c.rules.Homes, c.home, c.here, c.hasPs, got, c.want)
		}
	}
}

func TestSysmonDoesNotSleepWhileGuestsCome(t *testing.T) {
	var p Pace
	for look := range uint64(200) {
		if p.MaySleep(true, look+1) {
			t.Fatalf("it sleeps at look %d, though a guest has come since the one before", look)
		}
		p.Looked(false)
	}
	if p.Delay() != WatchMax {
		t.Errorf("a look after %d ns, want %d: guests who leave soon are nothing to do", p.Delay(), WatchMax)
	}
	for i := range SleepLooks {
		if got := p.MaySleep(true, 200); got != (i == SleepLooks-1) {
			t.Errorf("after the last guest it sleeps after %d looks: %v", i+1, got)
		}
	}
}
