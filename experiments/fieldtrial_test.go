package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"numasched/experiments/usage"
)

// fieldTrial runs scripts/fieldtrial.sh with a program that notes what it is asked for and
// leaves a file with some text in every folder that it makes. It returns the commands.
func fieldTrial(t *testing.T, text string, args ...string) (commands []string, output string, out string, err error) {
	t.Helper()
	if err := exec.Command("sh", "-c", "sed -n 1p /dev/null && tar --version && awk 1 /dev/null && sort -u /dev/null").Run(); err != nil {
		t.Skip("no Unix shell and tools: ", err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "experiments")
	noted := filepath.Join(dir, "commands")
	fake := "#!/bin/sh\necho \"$*\" >>" + noted + `
while [ $# -gt 0 ]; do
	[ "$1" != --out ] || case $2 in *.json) echo {} >"$2" ;; *) mkdir -p "$2" && echo "$TEXT" >"$2/results.txt" ;; esac
	shift
done
`
	if err := os.WriteFile(program, []byte(fake), 0o777); err != nil {
		t.Fatal(err)
	}
	out = filepath.Join(dir, "trial")
	cmd := exec.Command("sh", append([]string{filepath.Join("..", "scripts", "fieldtrial.sh"), "--out", out}, args...)...)
	cmd.Env = append(os.Environ(), "EXPERIMENTS="+program, "TEXT="+text, "HOME=/home/somebody")
	said, err := cmd.CombinedOutput()
	lines, _ := os.ReadFile(noted)
	return strings.Split(strings.TrimSpace(string(lines)), "\n"), string(said), out, err
}

// What is predicted is written down before anything is measured, for the same arms and
// workloads, and all of it is in the archive.
func TestFieldTrialPredictsBeforeItMeasures(t *testing.T) {
	for _, args := range [][]string{{"--minutes", "2"}, {"--minutes", "2", "--virtual"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) { predictsBeforeItMeasures(t, args) })
	}
}

func predictsBeforeItMeasures(t *testing.T, args []string) {
	commands, said, out, err := fieldTrial(t, "numbers", args...)
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	var names []string
	flags := map[string]map[string]string{}
	for _, c := range commands {
		words := strings.Fields(c)
		names = append(names, words[0])
		flags[words[0]] = map[string]string{}
		for i, w := range words[:len(words)-1] {
			if strings.HasPrefix(w, "--") {
				flags[words[0]][w] = words[i+1]
			}
		}
	}
	if _, virtual := flags["run"]["--virtual"]; virtual != slices.Contains(args, "--virtual") {
		t.Errorf("measures with %v", flags["run"])
	}
	if got, want := strings.Join(names, " "), "doctor capture calibrate sim run beside"; got != want {
		t.Errorf("does %s, want %s", got, want)
	}
	predicted, measured := flags["sim"], flags["run"]
	if predicted["--workload"] == "" || predicted["--workload"] != measured["--workload"] || !strings.HasPrefix(measured["--arm"], predicted["--arm"]+",") {
		t.Errorf("predicts %v and measures %v", predicted, measured)
	}
	if _, ok := predicted["--nolock"]; !ok {
		t.Errorf("predicts %v: want what is measured, which has no lock of Go's", predicted)
	}
	list, err := exec.Command("tar", "tzf", out+".tar.gz").CombinedOutput()
	for _, file := range []string{"preset.json", "predicted/results.txt", "predicted.sha256", "measured/results.txt", "doctor.txt"} {
		if err != nil || !strings.Contains(string(list), "trial/"+file) {
			t.Errorf("the archive lacks %s: %v, %s", file, err, list)
		}
	}
	for _, arms := range []string{predicted["--arm"], measured["--arm"]} {
		if _, err := usage.Arms(arms); err != nil {
			t.Error(err)
		}
	}
	if _, err := usage.Workloads(predicted["--workload"], false); err != nil {
		t.Error(err)
	}
}

func TestFieldTrialKeepsNamesToItself(t *testing.T) {
	_, said, out, err := fieldTrial(t, "written in /home/somebody/numasched")
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 || !strings.Contains(said, "predicted/results.txt:1:written in /home/somebody/numasched") {
		t.Errorf("%v: %s", err, said)
	}
	if _, err := os.Stat(out + ".tar.gz"); err == nil {
		t.Error("there is an archive")
	}
}

func TestFieldTrialRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--minutes", "1"}, "want a whole number from 2 to 600"},
		{[]string{"--minutes", "many"}, "want a whole number from 2 to 600"},
		{[]string{"--minutes"}, "--minutes wants a value"},
		{[]string{"--quick"}, "unknown argument '--quick'"},
		{[]string{"--out", "."}, "it exists"},
	} {
		commands, said, _, err := fieldTrial(t, "", c.args...)
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 || !strings.Contains(said, c.want) || commands[0] != "" {
			t.Errorf("%v: %v, %q, ran %q; want exit 2, %q and nothing run", c.args, err, said, commands, c.want)
		}
	}
}
