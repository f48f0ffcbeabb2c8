// Package trace records what a scheduler does, checks it, and writes it for people.
//
// A [Recorder] keeps the events of a scheduler, in one log for each M. That costs little more
// than to store them:
//
//	var r trace.Recorder
//	s, err := sched.New(sched.Config{Machine: machine, Arm: arm, Events: r.Sink})
//	...
//	s.Close()
//	err = r.Validate()
//
// [Recorder.Merge] puts the events of all Ms into one order, in which nothing comes before
// its cause. A [Validator] replays events in such an order against what Gs, Ps and Ms may do.
package trace
