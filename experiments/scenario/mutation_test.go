package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every value of a study is in turn replaced by others, and every field left out
// or misspelt. Whatever comes of it is taken, or refused in one line with its place.
func TestMutatedStudies(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	shape := regexp.MustCompile(`^s\.json:(\d+):(\d+): \S`)
	tried, refused := 0, 0
	files := []string{"workqueue-scopes", "epyc-7763-daxpy", "autonuma-numa01-2012", "azusa-2002", "epyc-7551-2023"} // together they have most fields
	if !longTests() {
		files = files[:1]
	}
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join("studies", file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var tree any
		if err := dec.Decode(&tree); err != nil {
			t.Fatal(err)
		}
		variants := tree.(map[string]any)["variants"].([]any)
		tree.(map[string]any)["variants"] = variants[:min(len(variants), 3)] // the others are alike
		try := func(what string) {
			text, err := json.MarshalIndent(tree, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s, %s: panic: %v", file, what, p)
				}
			}()
			tried++
			_, err = Parse("s.json", text)
			if err == nil {
				return
			}
			refused++
			if msg := err.Error(); !shape.MatchString(msg) || strings.Contains(msg, "\n") {
				t.Errorf("%s, %s: %s", file, what, msg)
			} else {
				var line, column int
				fmt.Sscanf(msg, "s.json:%d:%d:", &line, &column)
				if lines := bytes.Split(text, []byte("\n")); line > len(lines) || column > len(lines[line-1])+1 {
					t.Errorf("%s, %s: %s: there is no such place", file, what, msg)
				}
			}
		}
		var walk func(at string, v any, set func(any))
		walk = func(at string, v any, set func(any)) {
			for _, other := range []any{nil, "nonsense", "", json.Number("-1"), json.Number("0"), json.Number("7"), json.Number("1e9"), json.Number("123456789012"), true, []any{}, map[string]any{}} {
				set(other)
				try(fmt.Sprintf("%s = %v", at, other))
			}
			set(v)
			switch v := v.(type) {
			case []any:
				set(append(v[:len(v):len(v)], v...))
				try(at + " twice as long")
				if len(v) > 0 {
					set(v[1:])
					try(at + " without its first")
				}
				set(v)
				for i := range min(len(v), 2) {
					walk(fmt.Sprintf("%s[%d]", at, i), v[i], func(x any) { v[i] = x })
				}
			case map[string]any:
				for key, was := range v {
					delete(v, key)
					try(at + " without " + key)
					v[key+"s"] = was
					try(at + " with " + key + " misspelt")
					delete(v, key+"s")
					v[key] = was
				}
				var keys []string
				for key := range v {
					keys = append(keys, key)
				}
				for _, key := range keys {
					walk(at+"."+key, v[key], func(x any) { v[key] = x })
				}
			}
		}
		walk("scenario", tree, func(v any) { tree = v })
	}
	t.Logf("%d mutants, %d refused", tried, refused)
	if tried < 900 || refused < tried/2 {
		t.Errorf("%d mutants, of which %d are refused: want more", tried, refused)
	}
}

// Whatever a file holds, Parse takes it or refuses it in one line with its place.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"name": "w", "preset": "synthetic:2x2", "workload": {"name": "fib", "arms": ["numa"], "params": [{"name": "n", "value": 20}]}}`))
	f.Add([]byte(strings.Replace(small, `"preset": "synthetic:2x2"`, `"machine": {"like": "default", "topology": "synthetic:2x2", "links": {"value": [{"between": ["p0", "p1"], "GBps": 1.5}], "source": "s"}, "kernel_cycles": {"value": {"x": 2}, "source": "s"}}`, 1)))
	shape := regexp.MustCompile(`^s\.json:\d+:\d+: [^\n]+$`)
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte(".json")) {
			t.Skip("a preset in another file")
		}
		if _, err := Parse("s.json", data); err != nil && !shape.MatchString(err.Error()) {
			t.Errorf("%q\ngives %v", data, err)
		}
	})
}
