package hostnet

import (
	"testing"
	"time"

	"numasched/sched"
	"numasched/sched/host/hosttest"
	"numasched/sched/internal/inspect"
	"numasched/sched/policy"
)

type closer chan struct{}

func (c closer) Close() error { close(c); return nil }

// What a call has made whose G is cancelled meanwhile is closed: nobody else has it.
func TestWhatACancelledGHasOpenedIsClosed(t *testing.T) {
	m := hosttest.Open(t, "synthetic:1x1", 0)
	arm, _ := policy.ByName("numa")
	s, err := sched.New(sched.Config{Machine: m, Arm: arm})
	if err != nil {
		t.Fatal(err)
	}
	opening, closing := make(chan bool), make(chan bool)
	made := make(closer)
	go s.Run(func(*sched.G) {
		c, _ := inSyscall(func() (closer, error) {
			close(opening)
			<-closing
			return made, nil
		})
		c.Close() // it got its P back, against all likelihood, and was not cancelled
	})
	<-opening
	for s.Stats().Retakes == 0 { // until then the G would get its P back, and go on
		time.Sleep(time.Millisecond)
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	for !inspect.Of(s).Stopping() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // for stop to take the idle P away
	close(closing)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	select {
	case <-made:
	default:
		t.Error("it is open")
	}
}
