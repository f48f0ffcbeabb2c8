package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestDoctorPrintsItsChecksAsJSON(t *testing.T) {
	var out, errs bytes.Buffer
	if status := dispatch([]string{"doctor", "--watch", "0s", "--json"}, &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	var got struct {
		Checks []struct{ Name, Status, Seen, Mend string }
	}
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range got.Checks {
		names[c.Name] = true
		if !strings.Contains("ok note warn", c.Status) || c.Status == "" || c.Seen == "" {
			t.Errorf("%+v", c)
		}
	}
	for _, name := range []string{"NUMA", "CPU quota", "virtual machine", "other work", "system calls", "KVM"} {
		if !names[name] {
			t.Errorf("no check %q in %v", name, names)
		}
	}
}
