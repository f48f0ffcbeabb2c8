package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sweep runs scripts/slurm-sweep.sbatch where sbatch refuses nodes with the feature
// "absent", and returns what sbatch and scancel were asked for. scripts/slurm-test.sh has a
// real one.
func sweep(t *testing.T, args ...string) (commands []string, output string, err error) {
	t.Helper()
	if err := exec.Command("sh", "-c", "seq 1 && cut -d ';' -f 1 /dev/null").Run(); err != nil {
		t.Skip("no Unix shell and tools: ", err)
	}
	dir := t.TempDir()
	noted := filepath.Join(dir, "commands")
	for name, text := range map[string]string{
		"sbatch":      "echo \"$SWEEP_JOB $*\" >>" + noted + "\ncase \"$*\" in *=absent*) exit 1 ;; esac\nwc -l <" + noted + " | tr -d ' '\n",
		"scancel":     "echo \"cancel $*\" >>" + noted + "\n",
		"experiments": "exit 1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", append([]string{filepath.Join("..", "scripts", "slurm-sweep.sbatch"), "--out", filepath.Join(dir, "out")}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "EXPERIMENTS="+filepath.Join(dir, "experiments"))
	said, err := cmd.CombinedOutput()
	lines, _ := os.ReadFile(noted)
	return strings.Split(strings.TrimSpace(string(lines)), "\n"), string(said), err
}

// Every kind has an array of its own, and what puts them together waits for all of them,
// whatever becomes of them.
func TestSweepHasAnArrayForEachKind(t *testing.T) {
	commands, said, err := sweep(t, "--kind", "old", "--kind", "new=-p long -w n[1-2]", "--shards", "2", "--", "--quick", "--arm", "flat,numa")
	if err != nil || len(commands) != 3 {
		t.Fatalf("%v: %s; submits %q", err, said, commands)
	}
	for i, want := range [][]string{
		{"part ", " --constraint=old --array=1-2 ", "slurm-sweep.sbatch old 2 -- --quick --arm flat,numa"},
		{"part ", " -p long -w n[1-2] --array=1-2 ", "slurm-sweep.sbatch new 2 -- --quick --arm flat,numa"},
		{"merge ", " --dependency=afterany:1:2 ", "slurm-sweep.sbatch old/1 old/2 new/1 new/2"},
	} {
		for _, part := range want {
			if !strings.Contains(commands[i], part) {
				t.Errorf("submits %q, want %q in it", commands[i], part)
			}
		}
	}
}

func TestSweepLeavesNothingInTheQueue(t *testing.T) {
	commands, said, err := sweep(t, "--kind", "old", "--kind", "absent")
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 || !strings.Contains(said, "--kind 'absent'") {
		t.Errorf("%v: %s; want exit 2 and the kind", err, said)
	}
	if last := commands[len(commands)-1]; last != "cancel 1" {
		t.Errorf("ends with %q, want the first job cancelled", last)
	}
}

func TestSweepRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "want --kind NAME"},
		{[]string{"--kind", "a b"}, "--kind 'a b': want a name"},
		{[]string{"--kind", "merged"}, "but not merged"},
		{[]string{"--kind", "a", "--shards", "0"}, "--shards '0': want a whole number from 1 to 9999"},
		{[]string{"--kind", "a", "--kind", "a=-p long"}, "--kind 'a=-p long': there is another kind of this name"},
		{[]string{"--kind"}, "--kind wants a value"},
		{[]string{"--quick"}, "unknown argument '--quick'"},
	} {
		commands, said, err := sweep(t, c.args...)
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 || !strings.Contains(said, c.want) || commands[0] != "" {
			t.Errorf("%v: %v, %q, submits %q; want exit 2, %q and nothing submitted", c.args, err, said, commands, c.want)
		}
	}
}
