package explore

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"numasched/sched/policy"
)

// A mutation is a bug to put into the scheduler's source. Its file under
// testdata/mutations has lines "file:" (in sched), "breaks:" and "programs:"
// (that show it), then the text to replace and what replaces it.
type mutation struct {
	file, breaks, programs string
	old, new               string
}

func readMutation(name string) (m mutation, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return m, err
	}
	head, rest, ok1 := strings.Cut(string(data), "-- old --\n")
	before, after, ok2 := strings.Cut(rest, "-- new --\n")
	if !ok1 || !ok2 {
		return m, fmt.Errorf("%s: want sections -- old -- and -- new --", name)
	}
	m.old, m.new = strings.TrimSuffix(before, "\n"), strings.TrimSuffix(after, "\n")
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "file":
			m.file = value
		case "breaks":
			m.breaks = value
		case "programs":
			m.programs = value
		default:
			return m, fmt.Errorf("%s: unknown line %q", name, line)
		}
	}
	return m, nil
}

// overlay writes the mutated file and an overlay for it into dir, and returns
// the overlay's name. The source itself is not touched.
func (m *mutation) overlay(dir string) (string, error) {
	file, err := filepath.Abs(filepath.Join("..", "..", m.file))
	if err != nil {
		return "", err
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(src), m.old); n != 1 {
		return "", fmt.Errorf("%s: the text to replace occurs %d times, want once; has the code changed?", m.file, n)
	}
	mutated := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(mutated, []byte(strings.Replace(string(src), m.old, m.new, 1)), 0o666); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{file: mutated}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, text, 0o666)
}

// hunted is what the mutations are looked for with. Which CPUs, Gs and arm a bug
// needs is not said: small machines are tried first, and each for a short time
// before any for long.
func hunted() (all []Config) {
	for _, cfg := range []Config{
		{CPUs: 1, Gs: 4, Bound: 2, Limit: 2_000, PCT: 500, Depth: 4},
		{CPUs: 2, Gs: 3, Bound: 2, Limit: 8_000, PCT: 2_000, Depth: 4},
		{CPUs: 3, Gs: 4, Bound: 2, Limit: 8_000, PCT: 2_000, Depth: 4},
		{CPUs: 2, Gs: 3, Bound: 3, Limit: 120_000, PCT: 20_000, Depth: 4},
		{CPUs: 3, Gs: 4, Bound: 2, Limit: 100_000, PCT: 100_000, Depth: 4},
	} {
		for _, name := range []string{"flat", "numa"} {
			cfg.Arm, _ = policy.ByName(name)
			all = append(all, cfg)
		}
	}
	return all
}

// A mutated scheduler is explored by this test in a process of its own.
func TestHunt(t *testing.T) {
	names := os.Getenv("EXPLORE_HUNT")
	if names == "" {
		t.Skip("runs for TestMutations")
	}
	tried := int64(0)
	for _, cfg := range hunted() {
		for name := range strings.SplitSeq(names, ",") {
			p, ok := ProgramByName(name)
			if !ok {
				t.Fatalf("no program %q", name)
			}
			if cfg.CPUs < p.MinCPUs {
				continue
			}
			cfg.Gs = max(cfg.Gs, p.MinGs)
			r, err := Explore(context.Background(), p, cfg)
			if err != nil {
				t.Fatal(err)
			}
			tried += r.Executions()
			if f := r.Failure; f != nil {
				how := "systematic"
				if f.Random {
					how = "random"
				}
				reason, _, _ := strings.Cut(f.Err.Error(), "\n")
				fmt.Printf("FOUND by %s, %s, %d CPUs, %s, after %d interleavings: %s\n", name, cfg.Arm.Name, cfg.CPUs, how, tried, reason)
				fmt.Printf("SCHEDULE %s\n", f.Schedule)
				if os.Getenv("EXPLORE_TIMELINE") != "" {
					fmt.Print(f.Timeline)
				}
				return
			}
		}
	}
	fmt.Printf("CLEAN after %d interleavings\n", tried)
}

func TestMutations(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("builds the scheduler once for each mutation, without the race detector")
	}
	goCmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to build mutated schedulers with")
	}
	files, err := filepath.Glob(filepath.Join("testdata", "mutations", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 12 {
		t.Fatalf("%d mutations, want at least 12", len(files))
	}
	for i, file := range files {
		if i%4 != 0 && !longTests() {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			m, err := readMutation(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			overlay, err := m.overlay(dir)
			if err != nil {
				t.Fatal(err)
			}
			hunter := filepath.Join(dir, "hunter.exe")
			if out, err := exec.Command(goCmd, "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", overlay, "-o", hunter, ".").CombinedOutput(); err != nil {
				t.Fatalf("mutated scheduler does not build: %v\n%s", err, out)
			}
			out := hunt(t, hunter, m.programs)
			if !strings.Contains(out, "FOUND") {
				t.Errorf("not found: %s\n%s", m.breaks, out)
				return
			}
			first, _, _ := strings.Cut(out[strings.Index(out, "FOUND"):], "\n")
			t.Logf("%s\n\t%s", m.breaks, first)
		})
	}
}

// hunt runs TestHunt of a test binary and returns what it printed. A mutated
// scheduler may also do without an end what is no access, hence the time-out.
func hunt(t *testing.T, hunter, programs string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, hunter, "-test.run=^TestHunt$")
	cmd.Env = append(os.Environ(), "EXPLORE_HUNT="+programs)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v\n%s", err, out)
	}
	return string(out)
}
