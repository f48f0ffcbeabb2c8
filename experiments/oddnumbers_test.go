package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"numasched/experiments/harness"
	"numasched/experiments/page"
	"numasched/experiments/plot"
	"numasched/experiments/report"
)

// Whatever number stands in a result directory, it is either refused by the name
// of the file, or everything that is made from it is made of numbers.
func TestNoNumberInADirectoryIsShownAsNaN(t *testing.T) {
	odd := []string{"0", "-1", "NaN", "+Inf", "-Inf", "1e308", "1e-308", "9223372036854775807", "99999999999999999999", "0.5", "x", "", "null"}
	// Numbers of the first result line, and numbers of run.json that are not in strings.
	numbers := map[string]*regexp.Regexp{
		harness.ResultsFile: regexp.MustCompile(`(?:P=| )(\d\S*)`),
		harness.MetaFile:    regexp.MustCompile(`(?m)(?:": |^ +)(-?\d+(?:\.\d+)?),?$`),
	}
	part := map[string]int{harness.ResultsFile: 3, harness.MetaFile: 12} // one of so many is tried, for time
	if longTests() {
		part = map[string]int{harness.ResultsFile: 1, harness.MetaFile: 4}
	}
	notNumber := regexp.MustCompile(`NaN|\bInf\b`)
	refused, shown := 0, 0
	for _, name := range []string{"fournodes", "scaling"} {
		for file, number := range numbers {
			dir := copyCase(t, name)
			path := filepath.Join(dir, file)
			whole := read(t, path)
			from, to := 0, len(whole)
			if file == harness.ResultsFile {
				from = strings.Index(whole, "\nBenchmark")
				to = from + 1 + strings.Index(whole[from+1:], "\n")
			}
			places := number.FindAllStringSubmatchIndex(whole[from:to], -1)
			if len(places) < 6 {
				t.Fatalf("%s: %d numbers", file, len(places))
			}
			for i, place := range places[:min(len(places), 40)] { // the cells of run.json are many and alike
				first, last := from+place[2], from+place[3]
				for j, v := range odd {
					if (i+j)%part[file] != 0 {
						continue
					}
					if err := os.WriteFile(path, []byte(whole[:first]+v+whole[last:]), 0o666); err != nil {
						t.Fatal(err)
					}
					where := name + ": " + file + ": " + v + " for " + whole[max(0, first-30):last]
					res, err := harness.Load(dir)
					if err != nil {
						refused++
						if !strings.Contains(err.Error(), file) {
							t.Errorf("%s: error %v does not name the file", where, err)
						}
						continue
					}
					shown++
					res.Dir = "dir" // whose name is in the text
					var out bytes.Buffer
					report.Print(&out, res)
					if err := page.Write(&out, res, plot.Figures(res)); err != nil {
						t.Errorf("%s: %v", where, err)
					}
					if at := notNumber.FindStringIndex(out.String()); at != nil {
						t.Errorf("%s: it shows %q", where, out.String()[max(0, at[0]-40):at[1]+20])
					}
				}
			}
		}
	}
	// Few are shown: most fields refuse what is no number, null among it.
	few := 15
	if longTests() {
		few = 30
	}
	if refused < 50 || shown < few {
		t.Errorf("%d changes were refused and %d shown: this tests little", refused, shown)
	}
}
