package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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

// What is wrong is said in one line: where (§), what is there, what was expected.
func TestBadScenarios(t *testing.T) {
	const node = "with nodes from 0 to 1"
	machine := func(constant string) string {
		return `"machine": {"like": "default", "topology": "synthetic:4x2", ` + constant + `}`
	}
	for _, c := range []struct{ old, new, want string }{
		// The file as such.
		{small, "", "nothing: want a JSON object"},
		{small, " \n ", "nothing: want a JSON object"},
		{small, "\ufeff" + small, "a byte order mark: want JSON in UTF-8 without one"},
		{small, "[]", "a list: want an object"},
		{small, "null", "null: want an object"},
		{small, small + "}", "want nothing after the value"},
		{small, small[:60], "the file ends in the middle of a value"},
		{small, small[:6], "the file ends in the middle of a value"},
		{`"times": 20`, `"times": §NaN`, "'N': want a value: a number,"},
		{`"times": 20`, `"times": 20 §20`, "'2': want a comma or } after the field"},
		{`"nodes": [1]}]}`, `"nodes": [1]}]§,}`, `a comma before "}": want none after the last of a list or an object`},
		{`"nodes": [0]`, `"nodes": [0§,]`, `a comma before "]": want none after the last`},
		// Fields.
		{`"times"`, `§"tims"`, `unknown field "tims": want name, count, per_cpu, process, start_s, forked, phases, times, nodes, l3s, cpus, soft, home, measured, counted_bytes`},
		{`"times"`, `§"Times"`, `unknown field "Times": want name,`},
		{`"times": 20`, `"times": 20, §"times": 30`, `field "times" is there twice`},
		{`"policy": {`, `"policy": {§"name": 1, `, `unknown field "name": want kernel, numa_balancing, start,`},
		// Kinds of values.
		{`"times": 20`, `"times": §"20"`, `times: "20": want an integer`},
		{`"times": 20`, `"times": §2.5`, "times: 2.5: want an integer"},
		{`"times": 20`, `"times": §null`, "times: null: want an integer"},
		{`"times": 20`, `"times": §99999999999999999999`, "times: 99999999999999999999: want an integer of 64 bits"},
		{`"times": 20`, `"times": 20, "seed": 1`, `unknown field "seed"`},
		{`"name": "small"`, `"name": "small", "seed": §-1`, "seed: -1: want an integer from 0 on"},
		{`"name": "small"`, `"name": §5`, "name: 5: want a string"},
		{`"measured": true`, `"measured": §"yes"`, `measured: "yes": want true or false`},
		{`[{"random": {"buffer": "data", "accesses": 4096}}]`, `§{}`, "phases: an object: want a list"},
		{`"nodes": [0]`, `"nodes": §0`, "nodes: 0: want a list"},
		{`"seconds": 0.008`, `"seconds": §"8ms"`, `seconds: "8ms": want a decimal number without quotes`},
		{`"seconds": 0.008`, `"seconds": §1e3`, "seconds: 1e3: want a decimal number without exponent"},
		{`"seconds": 0.008`, `"seconds": §0.0081`, "seconds: 0.0081: want a number with at most three decimals"},
		{`"seconds": 0.008`, `"seconds": §1000000000000`, "seconds: 1000000000000: want a number with at most three decimals, below 1e12"},
		// Machines.
		{`"synthetic:2x2"`, `"pdp11"`, `preset "pdp11": want`},
		{`"synthetic:2x2"`, `"synthetic:2y2"`, ``},
		{`"synthetic:2x2"`, `"nowhere.json"`, "preset nowhere.json: no such file or directory"},
		{`"preset": "synthetic:2x2",`, ``, "want either preset or machine"},
		{`"preset": "synthetic:2x2"`, `"preset": "skx-8s", "machine": {"like": "default"}`, "want either preset or machine"},
		{`"preset": "synthetic:2x2"`, `"machine": {"like": "default", "l4_ns": 3}`, `unknown field "l4_ns"`},
		{`"preset": "synthetic:2x2"`, `"machine": {"like": "default", "l3_ns": {"value": -2, "source": "x"}}`, "l3_ns: -2: want a value above 0"},
		{`"preset": "synthetic:2x2"`, `"machine": {"like": "default", "links": {"value": [{"between": ["n0"], "GBps": 1}], "source": "x"}}`, "between: want 2 values, not 1"},
		{`"preset": "synthetic:2x2"`, `"machine": {"like": "default", "topology": §"nothing"}`, ""},
		{`"preset": "synthetic:2x2"`, machine(`"idle_ns": {"value": §[[1, 2], [2, 1]], "source": "x"}`), "idle_ns: a matrix of 2 x 2: want 4 x 4, a row for each node of synthetic:4x2"},
		{`"preset": "synthetic:2x2"`, machine(`"c2c_ns": {"value": §[[1, 2, 3], [2, 1, 3], [3, 3, 1]], "source": "x"}`), "c2c_ns: a matrix of 3 x 3: want 4 x 4"},
		{`"preset": "synthetic:2x2"`, machine(`"node_GBps": {"value": §[1, 2, 3], "source": "x"}`), "node_GBps: 3 values: want one for all nodes, or 4"},
		{`"preset": "synthetic:2x2"`, machine("\"links\": {\"source\": \"x\", \"value\": [\n  {\"between\": [\"p0\", \"p1\"], \"GBps\": 1},\n  {\"between\": [\"p0\", §\"p7\"], \"GBps\": 1}]}"), `links: "p7": want n0 to n3 or p0 to p3, or * twice`},
		{`"preset": "synthetic:2x2"`, machine(`"links": {"source": "x", "value": §[{"between": ["p0", "p1"], "GBps": 1}]}`), "links: nothing joins node 2 and node 0"},
		{`"preset": "synthetic:2x2"`, machine(`"l3_ns": §{"value": 3}`), "l3_ns: want a value and a source"},
		{`"preset": "synthetic:2x2"`, `"machine": {"like": §"nobody"}`, `like: preset "nobody": want`},
		// Names.
		{`"name": "small",`, ``, "a scenario without a name: want one"},
		{`"name": "data", `, ``, "buffer without a name: want one"},
		{`"home": "node:0"}`, `"home": "node:0"}, {"name": "data", "bytes": 1}`, `buffer "data": there is already one of that name`},
		{`"name": "remote"`, `"name": "local"`, `variant "local": there is already one of that name`},
		{`"buffer": "data"`, `"buffer": §"date"`, `unknown buffer "date" (did you mean "data"?): want one of data`},
		{`"threads": "probe", "nodes": [0]`, `"threads": §"prob", "nodes": [0]`, `unknown threads "prob" (did you mean "probe"?): want one of probe`},
		// Values.
		{`"bytes": 67108864`, `"bytes": 0`, `buffer "data" has 0 bytes: want 1 to`},
		{`"bytes": 67108864`, `"bytes": 9000000000000000000`, `buffer "data" has 9000000000000000000 bytes: want 1 to`},
		{`"node:0"`, `"node:9"`, `home "node:9": want first-touch, interleave, node:N, or interleave:N,N,... or spread:N,N,... ` + node},
		{`"node:0"`, `"node:0,1"`, `home "node:0,1": want`},
		{`"node:0"`, `"interleave:0,+1"`, `home "interleave:0,+1": want`},
		{`"node:0"`, `"spread:0,1"`, `home "spread:0,1": want a buffer of scope thread to spread, or interleave`},
		{`"home": "node:0"`, `"scope": §"world"`, `scope "world": want machine, process or thread`},
		{`"nodes": [1]`, `"nodes": [2]`, "node 2: want 0 to 1"},
		{`"accesses": 4096`, `"accesses": §-1`, "accesses -1: want 1 to"},
		{`"accesses": 4096`, `"accesses": 1099511627776, "compute_ns": 1000000`, "1099511627776 times compute_ns 1000000: want at most a day"},
		{`"times": 20`, `"times": §-20`, "times -20: want 0 to"},
		{`"times": 20`, `"times": 0`, `threads "probe" are measured: want times, or they never end`},
		{`"times": 20`, `"times": 20, "start_s": §-1`, "start_s -1: want 0 or more"},
		{`"times": 20`, `"times": 20, "start_s": §86401`, "start_s 86401: want at most a day"},
		{`"times": 20`, `"times": §600000000, "count": 2`, "times 600000000: want at most 500000000 for 2 threads with 1 phases"},
		{`{"random": {"buffer": "data", "accesses": 4096}}`, `{"compute_us": 0.001}`, `threads "probe": phases of 0.001 us in all: want at least 1`},
		{`"times": 20`, `"times": 20, "count": §1000000`, "count 1000000: want 0 to 16384"},
		{`"times": 20`, `"times": 20, "per_cpu": true, "nodes": [0]`, `threads "probe" have nodes and per_cpu: want one of them`},
		{`{"random": {"buffer": "data", "accesses": 4096}}`, `{"compute_us": 1, "sleep_us": 2}`, "a phase of 2 things: want one of random, stream,"},
		{`{"random": {"buffer": "data", "accesses": 4096}}`, `{}`, "a phase of 0 things: want one of random, stream,"},
		{`{"random": {"buffer": "data", "accesses": 4096}}`, `{"sleep_us": §-2}`, "sleep_us -2: want 0 or more"},
		{`[{"random": {"buffer": "data", "accesses": 4096}}]`, `[]`, `threads "probe": want at least one phase`},
		{`"measured": true, `, ``, "want a workload, or threads of which some are measured"},
		{`"home": "static"`, `"home": §"sweet"`, `home "sweet": want none, static or dynamic`},
		{`"home": "static"`, `"home": "none"`, `threads "probe" have a home and the policy of variant "home" knows none`},
		{`"home": "static"`, `"home": "static", "balance_ms": §-2.5`, "balance_ms -2.5: want 0 or more"},
		{`"home": "static"`, `"home": "static", "tick_ms": §0.001`, "tick_ms 0.001: want 0 or at least 0.1"},
		{`"home": "static"`, `"home": "static", "follow_ms": 5`, "follow_ms without a home that is dynamic"},
		{`"home": "static"`, `"home": "static", "start": §"late"`, `start "late": want spread, exec or parent`},
		{`"seconds": 0.008`, `"seconds": §0`, "seconds 0: want a time above 0"},
		{`"seconds": 0.008`, `"seconds": 1, "what": §"most"`, `what "most": want elapsed, user or last`},
		{`"set": [{"threads": "probe", "nodes": [0]}]`, `"set": [{"count": 3}]`, "want threads, a buffer or a queue that is changed"},
		{`"set": [{"threads": "probe", "nodes": [0]}]`, `"set": [{"buffer": "data", "nodes": [0]}]`, "count, times, nodes, l3s, cpus, soft or home without threads"},
		{`"set": [{"threads": "probe", "nodes": [0]}]`, `"set": [{"threads": "probe", "at": "node:0"}]`, "at or bytes without a buffer"},
		// What has no effect.
		{`"home": "node:0"}`, `"home": "node:0"}, §{"name": "more", "bytes": 1}`, `buffer "more": no phase reads or writes it`},
		{`"times": 20`, `"times": 20, "process": §"p"`, `process "p": threads "probe" use no buffer of scope process`},
		{`"times": 20`, `"times": 20, "forked": §true`, `threads "probe" are forked, and variant "local" has one of them: want two or more`},
		{`"home": "static"`, `"home": "static", "batch": §2`, "batch without balance_ms"},
		{`"threads": "probe", "nodes": [0]`, `"threads": "probe"`, `threads "probe" are not changed: want count, times, nodes, l3s, cpus, soft or home`},
		{`"set": [{"threads": "probe", "nodes": [0]}]`, `"set": [§{"buffer": "data"}]`, `buffer "data" is not changed: want at, where it is`},
		{`"set": [{"threads": "probe", "nodes": [0]}]`, `"set": [{"threads": "probe", "nodes": [0]}, §{"threads": "probe", "count": 2}]`, `threads "probe": set twice by one variant: want it once`},
		{`"set": [{"threads": "probe", "nodes": [0]}]`, `"set": [{"buffer": "data", "at": "node:0"}, §{"buffer": "data", "at": "node:1"}]`, `buffer "data": set twice by one variant: want it once`},
		{`"times": 20`, `"times": 20, "per_cpu": true`, `threads "probe" are per_cpu: want neither count nor nodes`},
		{`"seconds": 0.008`, `"seconds": 1, "fitted": §true`, "a fitted row in a scenario without fitted"},
		{`"threads": "probe", "nodes": [0]`, `"threads": "probe", "times": §-1`, "times -1: want 0 to"},
		// Kernels, places and queues.
		{`"home": "static"`, `"kernel": §"linux-6.5"`, `unknown kernel "linux-6.5" (did you mean "linux-6.4"?): want one of "linux-2.5.39", "`},
		{`"home": "static"`, `"kernel": "linux-6.4", "tick_ms": 1`, `a kernel and fields that it decides itself: want kernel and numa_balancing alone, or no kernel`},
		{`"home": "static"`, `"kernel": "linux-2.5.39", "numa_balancing": §true`, `kernel "linux-2.5.39" has no NUMA balancing: want none`},
		{`"home": "static"`, `"kernel": "linux-6.4"`, `threads "probe" have a home and the policy of variant "home" knows none`},
		{`"home": "static"`, `"numa_balancing": §true`, `numa_balancing without a kernel: want a kernel, or numa_balancing_ms`},
		{`"times": 20`, `"times": 20, "l3s": [§2]`, `L3 2: want 0 to 1`},
		{`"times": 20`, `"times": 20, "cpus": [§4]`, `CPU 4: want one of 0-3`},
		{`"times": 20`, `"times": 20, "cpus": §[0, 1]`, `2 cpus for 1 of threads "probe": want at most one for each`},
		{`"times": 20`, `"times": 20, "cpus": [0], "l3s": [0], "count": 2`, `threads "probe" have 2 of nodes, l3s and cpus: want one of them`},
		{`"times": 20`, `"times": 20, "cpus": [0], "soft": §true`, `threads "probe" are soft, and the kernel of variant "local" is "": want "linux-6.4"`},
		{`"name": "home", "policy": {"home": "static"}, "set": [{"threads": "probe", "home": [0]}]`, `"name": "home", "policy": {"kernel": "linux-6.4"}, "set": [{"threads": "probe", "soft": true}]`, `threads "probe" are soft: want nodes, l3s or cpus, where they begin`},
		{`"accesses": 4096}}]`, `"accesses": 4096}}, {"put": §"q"}]`, `unknown queue "q": there are none`},
		{`"threads": [`, `"queues": [§{"name": "q"}], "threads": [`, `queue "q": want a phase that puts something there, and one that takes it`},
		{`"threads": [`, `"queues": [{"name": "q", "scope": §"core"}], "threads": [`, `scope "core": want machine, node or l3`},
		{`{"random": {"buffer": "data", "accesses": 4096}}`, `{"streams": §[]}`, `0 streams at once: want 1 to 8`},
		{`{"random": {"buffer": "data", "accesses": 4096}}`, `{"streams": [{"buffer": "data"}, {"buffer": §"date"}]}`, `unknown buffer "date" (did you mean "data"?): want one of data`},
		{`"times": 20`, `"times": 20, "counted_bytes": §-1`, "counted_bytes -1: want 0 to"},
		{`"seconds": 0.008`, `"GBps": §1`, "GBps without counted_bytes: want measured threads that have them"},
		{`"seconds": 0.008`, `"seconds": 1, "GBps": 1`, "seconds and GBps: want one of them"},
		{`"set": [{"threads": "probe", "nodes": [0]}]`, `"set": [{"queue": §"q", "scope": "l3"}]`, `unknown queue "q": there are none`},
		{`"set": [{"threads": "probe", "nodes": [0]}]`, `"set": [{"bytes": 5}]`, `want threads, a buffer or a queue that is changed`},
		{`"synthetic:2x2"`, `"synthetic:2x2+1mem+1gpu"`, `+1gpu: want +Kcpu (packages without memory), +Kmem (nodes of memory alone)`},
		// What does not fit.
		{`"times": 20`, `"times": 20, "nodes": §[0, 1]`, `2 nodes for 1 of threads "probe": want at most one for each`},
		{`"threads": "probe", "nodes": [1]`, `"threads": "probe", "nodes": §[1, 0]`, `2 nodes for 1 of threads "probe": want at most one for each`},
		{`"threads": "probe", "home": [0]`, `"threads": "probe", "home": §[1, 0]`, `2 nodes for 1 of threads "probe": want at most one for each`},
		{`"home": "node:0"`, `"scope": "thread", "home": §"spread:0,1"`, `2 nodes for 1 of threads "probe": want at most one for each`},
		{`"home": "node:0"`, `"scope": "process"`, `buffer "data" is one for each process, and threads "probe" name none: want a process`},
		{small, strings.NewReplacer(`"times": 20`, `"times": 20, "count": 300`, `"bytes": 67108864`, `"scope": "thread", "bytes": §4294967296`).Replace(small), `300 buffers "data" of 4294967296 bytes are too much to simulate`},
		// Workloads.
		{small, `{"name": "w", "preset": "synthetic:2x2", "workload": {"name": "nap", "arms": ["numa"]}}`, `unknown workload "nap": want one of `},
		{small, `{"name": "w", "preset": "synthetic:2x2", "workload": {"name": "fibb", "arms": ["numa"]}}`, `unknown workload "fibb" (did you mean "fib"?): want one of `},
		{small, `{"name": "w", "preset": "synthetic:2x2", "workload": {"name": "fib", "arms": ["numma"]}}`, `unknown arm "numma" (did you mean "numa"?): want one of gm, `},
		{small, `{"name": "w", "preset": "synthetic:2x2", "workload": {"name": "fib", "arms": ["numa", "numa"]}}`, `arm "numa": there is already one of that name`},
		{small, `{"name": "w", "preset": "synthetic:2x2", "workload": {"name": "fib", "arms": []}}`, `want at least one arm`},
		{small, `{"name": "w", "preset": "synthetic:2x2", "workload": {"name": "fib", "arms": ["numa"], "procs": 5}}`, `procs 5: want 1 to 4`},
		{small, `{"name": "w", "preset": "synthetic:2x2", "workload": {"name": "fib", "arms": ["numa"], "params": [{"name": "m", "value": 3}]}}`, `unknown size "m" (want n)`},
		{small, `{"name": "w", "preset": "synthetic:2x2", "workload": {"name": "fib", "arms": ["numa"], "params": [{"name": "n", "value": 1000}]}}`, `n=1000 is out of range`},
		{small, `{"name": "w", "preset": "synthetic:2x2", "workload": {"name": "fib", "arms": ["numa"]}, "variants": [{"name": "x"}]}`, `a workload beside threads, buffers or variants`},
	} {
		text := strings.Replace(small, c.old, c.new, 1)
		if text == small {
			t.Fatalf("%s is not in the scenario", c.old)
		}
		if before, after, ok := strings.Cut(text, "§"); ok {
			text = before + after
			c.want = fmt.Sprintf("s.json:%d:%d: %s", strings.Count(before, "\n")+1, len(before)-strings.LastIndex(before, "\n"), c.want)
		}
		_, err := Parse("s.json", []byte(text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "s.json:") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\n\tgives %v\n\twant  %s", c.new, err, c.want)
		}
	}
}

// A scenario that lists no variants is checked as if it listed one.
func TestBadScenarioWithoutVariants(t *testing.T) {
	text := small[:strings.Index(small, ",\n \"variants\"")] + "}"
	if _, err := Parse("s.json", []byte(text)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ field, want string }{
		{`"home": [0]`, `s.json:5:58: threads "probe" have a home and the policy of variant "only" knows none`},
		{`"nodes": [0, 1]`, `s.json:5:59: 2 nodes for 1 of threads "probe"`},
		{`"count": 16384, "forked": true`, ""},
	} {
		_, err := Parse("s.json", []byte(strings.Replace(text, `"times"`, c.field+`, "times"`, 1)))
		if err == nil != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.field, err, c.want)
		}
	}
}

// A preset that is like itself is refused.
func TestPresetsInACircle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "loop.json")
	if err := os.WriteFile(file, []byte(`{"like": "`+file+`"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := Parse("s.json", []byte(strings.Replace(small, "synthetic:2x2", file, 1)))
	if err == nil || !strings.Contains(err.Error(), "no circle") {
		t.Error(err)
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

// Every word that the schema lists is one that the language takes, and no other is.
func TestSchemaListsTheWords(t *testing.T) {
	data, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var walk func(name string, v any)
	walk = func(name string, v any) {
		if name == "$defs" {
			return // each is tried where it is used
		}
		list, _ := v.([]any)
		for _, v := range list {
			walk(name, v)
		}
		m, _ := v.(map[string]any)
		for key, v := range m {
			if key != "enum" {
				walk(key, v)
				continue
			}
			for _, word := range append(v.([]any), "nonsense") {
				text := map[string]string{
					"scope": strings.Replace(small, `"home": "node:0"`, fmt.Sprintf(`"scope": %q`, word), 1),
					"what":  strings.Replace(small, `"seconds": 0.008`, fmt.Sprintf(`"seconds": 0.008, "what": %q`, word), 1),
				}[name]
				if word == "process" {
					text = strings.Replace(text, `"name": "probe"`, `"name": "probe", "process": "p"`, 1)
				}
				if text == "" {
					text = strings.Replace(small, `"numa_balancing_ms": 1`, fmt.Sprintf(`%q: %q`, name, word), 1)
				}
				n++
				if _, err := Parse("s.json", []byte(text)); err == nil == (word == "nonsense") {
					t.Errorf("%s %q: %v", name, word, err)
				}
			}
		}
	}
	var schema any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	walk("", schema)
	if n < 15 {
		t.Errorf("the schema lists %d words", n)
	}
}

// A study says how many constants were fitted to how many rows, and that as many constants
// as rows are no prediction.
func TestAStudySaysWhatWasFitted(t *testing.T) {
	row := func(fitted bool) Variant { return Variant{Measured: &Measured{Seconds: 1, Fitted: fitted}} }
	s := Scenario{Constants: 2, Variants: []Variant{row(true), row(true), row(false), {}}}
	if got := s.Fits(); !strings.Contains(got, "constants fitted: 2, to 2 rows; other rows to judge by: 1") || !strings.Contains(got, "NO PREDICTION") {
		t.Errorf("two constants to two rows: %s", got)
	}
	s.Constants = 1
	if got := s.Fits(); strings.Contains(got, "NO PREDICTION") {
		t.Errorf("one constant to two rows: %s", got)
	}
}

// Threads that are bound stay on their nodes. Of those that are not, some stray when CPUs
// are short.
func TestResidencyIsReported(t *testing.T) {
	file := func(nodes string) string {
		return `{"name": "r", "preset": "synthetic:2x2", "threads": [
 {"name": "job", "count": 4, ` + nodes + `"measured": true, "times": 20, "phases": [{"compute_us": 5000}, {"sleep_us": 100}]},
 {"name": "load", "count": 6, "phases": [{"compute_us": 3000}, {"sleep_us": 500}]}],
 "variants": [{"name": "only", "policy": {"balance_ms": 4}}]}`
	}
	run := func(text string) *Result {
		s, err := Parse("r.json", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Run(s.Variants[0])
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := run(file(`"nodes": [0, 1], `)); r.Strayed != 0 || r.MainNode < 0.999 || r.MovesRate != 0 {
		t.Errorf("bound threads: %.2f strayed, %.3f of the time on the main node, %.1f moves/s", r.Strayed, r.MainNode, r.MovesRate)
	}
	if r := run(file("")); r.Strayed == 0 || r.MainNode > 0.999 || r.MainNode < 0.5 || r.MovesRate == 0 {
		t.Errorf("threads that nothing binds: %.2f strayed, %.3f of the time on the main node, %.1f moves/s", r.Strayed, r.MainNode, r.MovesRate)
	}
}

// Memory may lie on a node that has no CPUs, and nobody runs there.
func TestNodesWithoutCPUs(t *testing.T) {
	text := strings.NewReplacer(`"synthetic:2x2"`, `"synthetic:2x2+1mem"`, `"home": "node:0"`, `"home": "node:2"`).Replace(small)
	s, err := Parse("small.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := s.Run(s.Variants[0]); err != nil || r.Locality != 0 {
		t.Errorf("memory of a node without CPUs: %+v, %v", r, err)
	}
	if _, err := Parse("small.json", []byte(strings.Replace(text, `"nodes": [0]`, `"nodes": [2]`, 1))); err == nil || !strings.Contains(err.Error(), "node 2 has no CPUs: want one that has") {
		t.Errorf("threads on a node without CPUs: %v", err)
	}
}

// Issuers of one L3 wake workers of its pool. If these are bound there, half of the CPUs do
// nothing. If they only begin there, others help, and a pool for the whole machine has all
// help from the beginning.
func TestQueuesWakeWorkersNear(t *testing.T) {
	const text = `{"name": "pools", "preset": "synthetic:1x1x2x4x1",
 "queues": [{"name": "work", "scope": "l3"}, {"name": "room", "items": 1000}],
 "threads": [
  {"name": "issuer", "count": 2, "l3s": [0], "measured": true, "times": 3000, "phases": [{"take": "room"}, {"compute_us": 20}, {"put": "work"}]},
  {"name": "worker", "count": 16, "l3s": [0, 1], "phases": [{"take": "work"}, {"compute_us": 100}, {"put": "room"}]}],
 "variants": [
  {"name": "strict", "policy": {"kernel": "linux-6.4"}},
  {"name": "soft", "policy": {"kernel": "linux-6.4"}, "set": [{"threads": "worker", "soft": true}]},
  {"name": "system", "policy": {"kernel": "linux-6.4"}, "set": [{"queue": "work", "scope": "machine"}, {"threads": "worker", "nodes": []}]}]}`
	s, err := Parse("pools.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	took := map[string]float64{}
	for _, v := range s.Variants {
		r, err := s.Run(v)
		if err != nil {
			t.Fatal(err)
		}
		took[v.Name] = r.Last
	}
	if took["strict"] < 1.4*took["soft"] || took["strict"] < 1.4*took["system"] {
		t.Errorf("seconds: %v, want the strict pool to take 1.4 times as long as the others", took)
	}
}

// Two streams of a phase are walked side by side, and a rate is what was counted.
func TestStreamsAndRates(t *testing.T) {
	const text = `{"name": "add", "preset": "synthetic:2x2",
 "threads": [{"name": "t", "cpus": [1], "measured": true, "times": 5, "counted_bytes": 201326592, "phases": [{"streams": [{"buffer": "x"}, {"buffer": "y", "write": true}]}]}],
 "buffers": [{"name": "x", "bytes": 67108864, "home": "node:0"}, {"name": "y", "bytes": 67108864, "home": "node:0"}],
 "variants": [{"name": "both", "measured": {"GBps": 10}}, {"name": "less", "set": [{"buffer": "x", "bytes": 1048576}, {"threads": "t", "counted_bytes": 135266304}]}]}`
	s, err := Parse("add.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	both, err := s.Run(s.Variants[0])
	if err != nil {
		t.Fatal(err)
	}
	less, err := s.Run(s.Variants[1])
	if err != nil {
		t.Fatal(err)
	}
	if want := 5 * 201326592 / 1e9 / both.Last; both.GBps < 0.999*want || both.GBps > 1.001*want || both.Error == nil || *both.Error != both.GBps/10-1 {
		t.Errorf("%+v, want %.2f GB/s", both, want)
	}
	if less.Last > 0.8*both.Last {
		t.Errorf("a short second stream: %.4f s, two long ones %.4f", less.Last, both.Last)
	}
}
