package overlay

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReview records the hashes of releases that somebody has read and tested:
//
//	NUMAGO_REVIEW=go1.26.8=/usr/local/go go test ./sched/goruntime/overlay -run TestReview
func TestReview(t *testing.T) {
	list := os.Getenv("NUMAGO_REVIEW")
	if list == "" {
		t.Skip("records reviewed releases; set NUMAGO_REVIEW=RELEASE=GOROOT,... to run it")
	}
	all := reviewed()
	for _, one := range strings.Split(list, ",") {
		release, goroot, _ := strings.Cut(one, "=")
		now, err := Hashes(os.DirFS(filepath.Join(goroot, "src", "runtime")))
		if err != nil {
			t.Fatal(err)
		}
		for name, hash := range now {
			if hash == "" {
				t.Errorf("%s declares no %s", release, name)
			}
		}
		all[release] = now
	}
	text, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if !t.Failed() {
		err = os.WriteFile("reviewed.json", append(text, '\n'), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
