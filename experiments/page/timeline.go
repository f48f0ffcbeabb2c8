package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"numasched/experiments/harness"
	"numasched/experiments/plot"
	"numasched/experiments/workload"
	"numasched/sched"
	"numasched/sched/policy"
	"numasched/sched/sim"
	"numasched/sched/sim/strict"
	"numasched/sched/trace"
)

// timelines returns pictures of what the scheduler does: of the traces that lie beside
// the results as trace*.json, else of short runs on a machine that was simulated.
func timelines(res *harness.Results) ([]plot.Figure, error) {
	names, err := filepath.Glob(filepath.Join(res.Dir, "trace*.json"))
	if err != nil {
		return nil, err
	}
	var figures []plot.Figure
	for _, name := range names {
		data, err := os.ReadFile(name)
		var tracks []plot.Track
		if err == nil {
			tracks, err = tracksOf(name, data)
		}
		if err == nil && len(tracks) == 0 {
			err = fmt.Errorf("%s: no thread has a track in it", name)
		}
		if err != nil {
			return nil, &TraceError{err}
		}
		base := filepath.Base(name)
		about := strings.TrimLeft(strings.TrimSuffix(strings.TrimPrefix(base, "trace"), ".json"), "-")
		if f := plot.Timeline("timeline-"+about, "From "+base, armIn(about), tracks); f != nil {
			figures = append(figures, *f)
		}
	}
	if figures == nil && res.Meta.Place == harness.Simulated {
		return shortRuns(res)
	}
	return figures, nil
}

// A TraceError says that a file beside results, named as a trace, is none.
type TraceError struct{ Err error }

// Error says what is wrong with the file, and what was expected.
func (e *TraceError) Error() string {
	return e.Err.Error() + "; beside results a trace*.json is to be what experiments trace writes"
}

// Unwrap returns what is wrong with the file.
func (e *TraceError) Unwrap() error { return e.Err }

// armIn returns the arm that the name of a trace begins with, or "run".
func armIn(name string) string {
	arm := "run"
	for _, a := range policy.Arms {
		if strings.HasPrefix(name, a.Name) && (arm == "run" || len(a.Name) > len(arm)) {
			arm = a.Name
		}
	}
	return arm
}

// timelineProcs is how many Ps a timeline shows at most, so that each has a line that can
// be seen.
const timelineProcs = 32

// shortRuns records runs of a workload of quick size, one for each of at most two arms, on
// the first machine of several nodes that a preset describes.
func shortRuns(res *harness.Results) (figures []plot.Figure, err error) {
	arms := res.Arms()
	if slices.Contains(arms, harness.DefaultBaseline) && slices.Contains(arms, harness.Subject) {
		arms = []string{harness.DefaultBaseline, harness.Subject}
	}
	name := res.Measurements[0].Workload
	for _, m := range res.Measurements {
		if w := workload.ByName(m.Workload); w != nil && w.Pictured {
			name = w.Name
		}
	}
	w := workload.ByName(name)
	if w == nil {
		return nil, nil // of another version of the program
	}
	for _, t := range res.Meta.Topologies {
		preset, err := sim.LoadPreset(t.Label)
		if err != nil || t.NodesWithCPUs < 4 {
			continue // a file of the user's, or no NUMA to see
		}
		procs := min(t.CPUs, timelineProcs)
		for _, arm := range arms[:min(2, len(arms))] {
			data, err := recorded(preset, arm, w.Program(true), procs)
			if err != nil {
				return nil, fmt.Errorf("timeline of %s under %s on %s: %w", name, arm, t.Label, err)
			}
			tracks, err := tracksOf("the trace", data)
			if err != nil {
				return nil, err
			}
			subject := fmt.Sprintf("A short run of %s for this picture, simulated, on %d Ps of %s", name, procs, t.Label)
			if f := plot.Timeline("timeline-"+arm, subject, arm, tracks); f != nil {
				f.Caption += " " + anew(res)
				figures = append(figures, *f)
			}
		}
		return figures, nil
	}
	return nil, nil
}

// anew says that a picture is no part of the results: the program that writes the report has
// simulated it, with its own scheduler.
func anew(res *harness.Results) string {
	of := func(b harness.Build) string {
		text := "commit " + b.ShortCommit()
		if b.Modified {
			text += " with changes"
		}
		return text
	}
	return fmt.Sprintf("This run is not one of the results. The program that wrote this page simulated it anew, of quick size and with the first seed: %s. The results are of %s.", of(harness.ThisBuild()), of(res.Meta.Build))
}

// recorded simulates a run and returns its trace.
func recorded(preset *sim.Preset, armName string, prog workload.Program, procs int) ([]byte, error) {
	arm, err := policy.ByName(armName)
	if err != nil {
		return nil, err
	}
	m, err := sim.New(sim.Config{Preset: preset})
	if err != nil {
		return nil, err
	}
	in, err := prog.New()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = harness.Record(&out, &trace.Recorder{Clock: true, Limit: 1_000_000}, in, sched.Config{Machine: m, Arm: arm, Procs: procs}, 1)
	return out.Bytes(), err
}

// tracksOf reads the trace that "experiments trace" writes. name is the file's, for errors.
func tracksOf(name string, data []byte) ([]plot.Track, error) {
	var file struct {
		TraceEvents []struct {
			Name, Ph string
			Ts       float64
			Pid, Tid int
			Args     map[string]any
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, strict.Located(name, data, err)
	}
	type key struct{ pid, tid int }
	type state struct {
		plot.Track
		depth int
		since float64
	}
	nodes := map[int]string{}      // by process
	nodeOfP := map[string]string{} // by name
	tracks := map[key]*state{}
	var order []key
	for _, e := range file.TraceEvents {
		if e.Ph != "M" {
			continue
		}
		name, _ := e.Args["name"].(string)
		if e.Name == "process_name" {
			nodes[e.Pid] = name
		} else if node, ok := strings.CutSuffix(nodes[e.Pid], ": Ps"); ok {
			nodeOfP[name] = node
		} else if node, ok := strings.CutSuffix(nodes[e.Pid], ": Ms"); ok {
			k := key{e.Pid, e.Tid}
			tracks[k] = &state{Track: plot.Track{Node: node, Name: name}}
			order = append(order, k)
		}
	}
	for _, e := range file.TraceEvents {
		t := tracks[key{e.Pid, e.Tid}]
		if t == nil {
			continue
		}
		switch e.Ph {
		case "B":
			if t.depth == 0 {
				t.since = e.Ts
			}
			t.depth++
		case "E":
			if t.depth--; t.depth == 0 {
				t.Busy = append(t.Busy, [2]float64{t.since, e.Ts})
			}
		case "i":
			var n int
			var from, node string
			if _, err := fmt.Sscanf(e.Name, "steal %d from %s", &n, &from); err != nil {
				continue
			}
			if node = nodeOfP[from]; node == "" {
				_, node, _ = strings.Cut(e.Name, "from the queue of ")
			}
			t.Steals = append(t.Steals, plot.Steal{At: e.Ts, Remote: node != t.Node, Gs: n})
		}
	}
	slices.SortStableFunc(order, func(a, b key) int { return a.pid - b.pid })
	var all []plot.Track
	for _, k := range order {
		all = append(all, tracks[k].Track)
	}
	return all, nil
}
