package progress

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestPlainProgressSaysWhatAndHowLong(t *testing.T) {
	var b bytes.Buffer
	show := lineProgress(&b, 0)
	show(Step{"simulating", "triad numa", 3, 8, Left(80 * time.Second)})
	show(Step{"measuring", "", 1, 2, ""})
	if want := "simulating: 3 of 8, triad numa, 1m20s left\nmeasuring: 1 of 2\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// Short commands show nothing where there is no terminal.
func TestPlainProgressWaits(t *testing.T) {
	var b bytes.Buffer
	show := lineProgress(&b, time.Hour)
	for i := range 10 {
		show(Step{"simulating", "triad numa", i, 9, ""})
	}
	if b.Len() > 0 {
		t.Errorf("%q, want nothing in the first hour", b.String())
	}
}

// A line that is longer than the terminal is wide would stay there.
func TestBarFitsIn80Columns(t *testing.T) {
	for _, s := range []Step{
		{"simulating", "triad numa", 3, 8, "1m20s left"},
		{"exploring", "steal numa-wrongmap bound 3: 1000000 tried", 1999, 2000, "at most 123h59m59s left"},
		{"choosing run lengths", "page-groups numa-wrongmap", 99999, 100000, "1h20m12s left"},
	} {
		var b bytes.Buffer
		show, end := barProgress(&b)
		show(s)
		drawn := b.String()
		end()
		longest := ""
		for line := range strings.SplitSeq(drawn, "\r") {
			if utf8.RuneCountInString(line) > utf8.RuneCountInString(longest) {
				longest = line
			}
		}
		if n := utf8.RuneCountInString(longest); n == 0 || n > 80 {
			t.Errorf("%d columns: %q", n, longest)
		}
		if !strings.Contains(drawn, fmt.Sprintf("(%d/%d)", s.Done, s.Planned)) || !strings.Contains(drawn, s.Phase) {
			t.Errorf("the bar does not say how far it is: %q", drawn)
		}
	}
}

// Results come in the order of the jobs, and progress names each job and ends
// with all of them done.
func TestJobsInParallelShowHowFarTheyAre(t *testing.T) {
	var jobs []Job[int]
	for i := range 30 {
		jobs = append(jobs, Job[int]{fmt.Sprint("job", i), func() (int, error) { return i * i, nil }})
	}
	var steps []Step
	got, err := parallelShown(func(s Step) { steps = append(steps, s) }, jobs)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if v != i*i {
			t.Errorf("job %d gave %d", i, v)
		}
		if !slices.ContainsFunc(steps, func(s Step) bool { return s.What == jobs[i].Name }) {
			t.Errorf("%s was not shown", jobs[i].Name)
		}
	}
	if last := steps[len(steps)-1]; last.Done != 30 || last.Planned != 30 || last.Left != "" {
		t.Errorf("at the end: %+v", last)
	}
	jobs[7].Run = func() (int, error) { return 0, errors.New("seven") }
	jobs[9].Run = func() (int, error) { return 0, errors.New("nine") }
	if _, err := parallelShown(func(Step) {}, jobs); err == nil || err.Error() != "seven" {
		t.Errorf("error %v, want that of the first job that fails", err)
	}
}
