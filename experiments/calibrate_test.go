package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"numasched/sched/sim"
)

// The presets that calibrate wrote and that the repository holds are presets that
// sim takes.
func TestCommittedCalibrations(t *testing.T) {
	files, err := filepath.Glob("../results/reference-*/host.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no calibration in results", err)
	}
	for _, file := range files {
		if _, err := sim.LoadPreset(file); err != nil {
			t.Error(err)
		}
	}
}

// What calibrate cannot write it says before it measures, and leaves what there
// is alone.
func TestCalibrateRefuses(t *testing.T) {
	there := filepath.Join(t.TempDir(), "there.json")
	if err := os.WriteFile(there, []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, `--out "": want a file name that ends in .json`},
		{[]string{"--out", "preset"}, `--out "preset": want a file name that ends in .json`},
		{[]string{"--out", filepath.Join(there, "x.json")}, "x.json"},
		{[]string{"--out", there}, "there.json"},
		{[]string{"--out", "x.json", "more"}, `unexpected argument "more"`},
	} {
		var stdout, stderr strings.Builder
		if status := dispatch(append([]string{"calibrate"}, c.args...), &stdout, &stderr); status != 2 || !strings.Contains(stderr.String(), c.want) || stdout.Len() > 0 {
			t.Errorf("%q: status %d, %q %q; want status 2 and %q", c.args, status, stdout.String(), stderr.String(), c.want)
		}
	}
	if data, err := os.ReadFile(there); err != nil || string(data) != "{}" {
		t.Errorf("the file that was there is now %q, %v", data, err)
	}
}
