package harness

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// A Setting is something that a run must have from its beginning to its end.
type Setting string

// Settings that whoever begins a run chooses.
const (
	SettingPlace      Setting = "place"
	SettingTopologies Setting = "topologies"
	SettingSeed       Setting = "seed"
	SettingReps       Setting = "repetitions"
	SettingTime       Setting = "time of a repetition"
	SettingCells      Setting = "cells"
)

// A ChangedError says that a run cannot go on with another setting than it began with.
type ChangedError struct {
	Setting Setting
	Text    string // what it was and is
}

func (e *ChangedError) Error() string { return fmt.Sprintf("%s: %s", e.Setting, e.Text) }

// mustMatch returns a [ChangedError] that says how now differs from m, the run that now
// is to resume. It returns nil if now may go on.
func (m *Meta) mustMatch(now *Meta) error {
	check := []struct {
		what      Setting
		then, now any
	}{
		{SettingPlace, m.Place, now.Place},
		{"machine", m.Machine, now.Machine},
		{SettingTopologies, m.Topologies, now.Topologies},
		{SettingSeed, m.Plan.Seed, now.Plan.Seed},
		{SettingReps, m.Plan.Reps, now.Plan.Reps},
		{SettingTime, m.Plan.Target, now.Plan.Target},
	}
	if !m.Build.sameProgram(now.Build) {
		return &ChangedError{"build", fmt.Sprintf("was %s, is now %s", brief(m.Build), brief(now.Build))}
	}
	for _, c := range check {
		if !reflect.DeepEqual(c.then, c.now) {
			return &ChangedError{c.what, fmt.Sprintf("was %s, is now %s", brief(c.then), brief(c.now))}
		}
	}
	then, current := m.Plan.cells(), now.Plan.cells()
	for i := range max(len(then), len(current)) {
		name := func(cells []Cell) string {
			if i < len(cells) {
				return cells[i].Name()
			}
			return "none"
		}
		if name(then) != name(current) {
			return &ChangedError{SettingCells, fmt.Sprintf("number %d was %s, is now %s", i+1, name(then), name(current))}
		}
	}
	return nil
}

func brief(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if s := string(data); len(s) <= 120 {
		return s
	}
	return string(data[:117]) + "..."
}
