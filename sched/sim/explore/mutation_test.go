package explore

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A mutation is a bug to put into the scheduler's source. Its file under
// testdata/mutations has lines "file:" (in sched), "breaks:", "programs:" (that show it)
// and perhaps "tags:" (to build with) and "first:" (where to look first, see Hunt) or
// "rare:" (only the long tests hunt it). Then come the text to replace and what replaces it.
type mutation struct {
	name, file, breaks, programs, first, tags string
	old, new                                  string
	number                                    int  // among all
	rare                                      bool // takes many interleavings to find: only the long tests do
}

func readMutation(name string) (m mutation, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return m, err
	}
	m.name = strings.TrimSuffix(filepath.Base(name), ".txt")
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
		case "first":
			m.first = value
		case "rare":
			m.rare = true
		case "tags":
			m.tags = value
		default:
			return m, fmt.Errorf("%s: unknown line %q", name, line)
		}
	}
	return m, nil
}

// apply returns the mutated text of the file that the mutation is for.
func (m *mutation) apply(src string) (string, error) {
	if n := strings.Count(src, m.old); n != 1 {
		return "", fmt.Errorf("%s: the text to replace occurs %d times in %s, want once; has the code changed?", m.name, n, m.file)
	}
	return strings.Replace(src, m.old, m.new, 1), nil
}

func TestMutations(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("builds the scheduler anew, without the race detector")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command to build mutated schedulers with")
	}
	files, err := filepath.Glob(filepath.Join("testdata", "mutations", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 60 {
		t.Fatalf("%d mutations, want at least 60", len(files))
	}
	byTags := make(map[string][]mutation)
	for i, file := range files {
		m, err := readMutation(file)
		if err != nil {
			t.Fatal(err)
		}
		m.number = i
		byTags[m.tags] = append(byTags[m.tags], m)
	}
	for tags, mutations := range byTags {
		if tags != "" && !longTests() {
			continue // another build
		}
		h, err := newHunter(t.TempDir(), mutations)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range mutations {
			t.Run(m.name, func(t *testing.T) {
				if (m.number%16 != 0 || m.rare) && !longTests() {
					t.Skip("one of the fifteen in sixteen that only the long tests hunt")
				}
				t.Parallel()
				start := time.Now()
				out := h.hunt(i)
				if !strings.Contains(out, "FOUND") {
					t.Errorf("not found: %s\n%s", m.breaks, out)
					return
				}
				line, _, _ := strings.Cut(out[strings.Index(out, "FOUND"):], "\n")
				t.Logf("%s\n\t%s\n\tafter %.1f s", m.breaks, line, time.Since(start).Seconds())
			})
		}
	}
}

// hunt looks for one of h's mutations and returns what was printed. A mutated scheduler
// may also do without an end what is no access, hence the time-out.
func (h *hunter) hunt(i int) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	m := &h.mutations[i]
	out, err := exec.CommandContext(ctx, h.command, strconv.Itoa(i+1), m.programs, m.first).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v\n%s", err, out)
	}
	return string(out)
}
