package scenario

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

const small = `{
 "name": "small",
 "preset": "synthetic:2x2",
 "buffers": [{"name": "data", "bytes": 67108864, "home": "node:0"}],
 "threads": [{"name": "probe", "measured": true, "times": 20,
  "phases": [{"random": {"buffer": "data", "accesses": 4096}}]}],
 "variants": [
  {"name": "local", "set": [{"threads": "probe", "nodes": [0]}], "measured": {"seconds": 0.008}},
  {"name": "remote", "set": [{"threads": "probe", "nodes": [1]}]},
  {"name": "home", "policy": {"home": "static"}, "set": [{"threads": "probe", "home": [0]}]},
  {"name": "balanced", "policy": {"numa_balancing_ms": 1}, "set": [{"threads": "probe", "nodes": [1]}]}]
}`

func TestVariantsDiffer(t *testing.T) {
	s, err := Parse("small.json", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*Result{}
	for _, v := range s.Variants {
		r, err := s.Run(v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Run(v)
		if err != nil || again.Hash != r.Hash {
			t.Errorf("%s: run twice, the events differ: %v", v.Name, err)
		}
		got[v.Name] = r
	}
	if l := got["local"]; l.Locality != 1 || l.Error == nil || !l.Simulated {
		t.Errorf("local: %+v", l)
	}
	if l, r := got["local"], got["remote"]; r.Locality != 0 || r.Elapsed < 1.3*l.Elapsed {
		t.Errorf("remote: %+v, local %+v", r, l)
	}
	if r := got["home"]; r.Locality < 0.9 {
		t.Errorf("preferred node: %+v", r)
	}
	if r := got["balanced"]; r.Migrated == 0 || r.Locality == 0 {
		t.Errorf("NUMA balancing: %+v", r)
	}
}

func TestBadScenarios(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"times"`, `"tims"`, `s.json:5:50: unknown field "tims": want name, count,`},
		{`"synthetic:2x2"`, `"pdp11"`, `s.json:3:12: preset "pdp11": want`},
		{`"nodes": [1]`, `"nodes": [2]`, `node 2 of "remote": want 0 to 1`},
		{`"node:0"`, `"node:9"`, `home "node:9": want first-touch, interleave or node:0 to node:1`},
		{`"accesses": 4096`, `"accesses": -1`, "accesses above 0"},
		{`"buffer": "data"`, `"buffer": "date"`, `s.json:6:36: unknown buffer "date"`},
		{`"times": 20`, `"times": 20, "start_s": -1`, "want no negative count, times or start_s"},
		{`"threads": "probe", "nodes": [0]`, `"threads": "prob", "nodes": [0]`, `unknown threads "prob": want one of `},
		{`"home": "static"`, `"home": "sweet"`, `home "sweet": want none, static or dynamic`},
		{`"times": 20`, `"times": "20"`, "s.json:5:"},
		{`{"random": {"buffer": "data", "accesses": 4096}}`, `{"compute_us": 1, "sleep_us": 2}`, "a phase is one of"},
		{`"seconds": 0.008`, `"seconds": "8ms"`, `"8ms": want a decimal number`},
		{`"home": "static"`, `"home": "static", "balance_ms": -2.5`, "balance_ms is -2.5: want 0 or more"},
	} {
		text := strings.Replace(small, c.old, c.new, 1)
		if text == small {
			t.Fatalf("%s is not in the scenario", c.old)
		}
		_, err := Parse("s.json", []byte(text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "s.json:") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\n\tgives %v\n\twant  %s", c.new, err, c.want)
		}
	}
}

// The schema has the fields that the language has.
func TestSchemaMatchesTheLanguage(t *testing.T) {
	data, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	var compare func(at string, t *testing.T, s map[string]any, typ reflect.Type)
	compare = func(at string, t *testing.T, s map[string]any, typ reflect.Type) {
		for typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct {
			if items, ok := s["items"].(map[string]any); ok {
				compare(at+"[]", t, items, typ.Elem())
			}
			return
		}
		props, ok := s["properties"].(map[string]any)
		if typ.Kind() != reflect.Struct || !ok {
			return
		}
		have := map[string]bool{}
		for i := range typ.NumField() {
			name := typ.Field(i).Tag.Get("json")
			if name == "" {
				continue
			}
			have[name] = true
			p, ok := props[name].(map[string]any)
			if !ok {
				t.Errorf("the schema lacks %s.%s", at, name)
				continue
			}
			compare(at+"."+name, t, p, typ.Field(i).Type)
		}
		for name := range props {
			if !have[name] {
				t.Errorf("the language lacks %s.%s", at, name)
			}
		}
	}
	compare("scenario", t, schema, reflect.TypeFor[Scenario]())
}
