package explore

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The table of the package documentation and of the README, of what is tried within how
// many preemptions, is right.
func TestDocumentedBounds(t *testing.T) {
	if raceDetector || testing.Short() {
		t.Skip("takes many interleavings")
	}
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^//\t +(\d+) +(\d+) +(\d+)  ([a-z -]+)$`).FindAllStringSubmatch(string(text), -1)
	if len(rows) < 8 {
		t.Fatalf("%d rows in the table of doc.go, want at least 8", len(rows))
	}
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, row := range rows {
		if line := strings.TrimPrefix(row[0], "//\t"); !strings.Contains(string(readme), "\n"+line+"\n") {
			t.Errorf("the README lacks the row %q of the table in doc.go", line)
		}
		for name := range strings.FieldsSeq(row[4]) {
			p, ok := ProgramByName(name)
			if !ok {
				t.Fatalf("doc.go: no program %q", name)
			}
			if tried++; tried%3 != 0 && !longTests() {
				continue
			}
			cfg := config(t, "numa")
			cfg.CPUs, _ = strconv.Atoi(row[1])
			cfg.Gs, _ = strconv.Atoi(row[2])
			cfg.Bound, _ = strconv.Atoi(row[3])
			cfg.Gs = max(cfg.Gs, p.MinGs)
			cfg.Limit, cfg.PCT = 200_000, 0
			want := cfg.Bound
			if !longTests() {
				cfg.Bound = min(cfg.Bound, 1)
				cfg.Limit = 300
				want = 0
			}
			t.Run(fmt.Sprint(name, "/", cfg.CPUs), func(t *testing.T) {
				t.Parallel()
				r, err := Explore(context.Background(), p, cfg)
				if err != nil || r.Failure != nil {
					t.Fatal(err, r.Failure)
				}
				if got := r.Complete(); got < want {
					t.Errorf("everything was tried within %d preemptions, want %d", got, want)
				}
				t.Logf("%d interleavings, %d of the largest bound", r.Executions(), r.Bounds[len(r.Bounds)-1].Executions)
			})
		}
	}
}
