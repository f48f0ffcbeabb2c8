package claims

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"numasched/experiments/simulated"
	"numasched/sched/policy"
	"numasched/sched/sim"
)

// What arms declare is so: without a mechanism an arm is numa but for one switch, and each switch
// is left out by one. An arm that is AsGo is flat but for its memory. The claims find all of them,
// the mechanisms in the order that results have.
func TestArmsAreWhatTheyDeclare(t *testing.T) {
	of := func(name string) policy.Arm {
		a, err := policy.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	differs := func(a, b policy.Arm) (fields []string) {
		x, y := reflect.ValueOf(a), reflect.ValueOf(b)
		for i := range x.NumField() {
			switch name := x.Type().Field(i).Name; name {
			case "Name", "Doc", "Without", "Rival", "AsGo":
			default:
				if !x.Field(i).Equal(y.Field(i)) {
					fields = append(fields, name)
				}
			}
		}
		return fields
	}
	without := map[string]bool{}
	for _, name := range ablations() {
		fields := differs(of(name), of(subject))
		if len(fields) != 1 {
			t.Errorf("%s differs from %s in %v, want one switch", name, subject, fields)
			continue
		}
		without[fields[0]] = true
	}
	if len(without) != policy.Mechanisms-1 || len(ablations()) != len(without) {
		t.Errorf("%v leave out %v, want each of %d mechanisms once", ablations(), without, policy.Mechanisms-1)
	}
	for _, name := range flats() {
		if fields := differs(of(name), of(flat)); len(fields) > 1 || len(fields) == 1 && fields[0] != "Memory" {
			t.Errorf("%s differs from %s in %v, want its memory alone", name, flat, fields)
		}
	}
	arms := append(append(flats(), static(), wrongMap()), ablations()...)
	if want := []string{"flat", "flat+firsttouch", "interleave", "static", "numa-wrongmap", "numa-home", "numa-nodeq", "numa-near", "numa-pin", "numa-cache"}; !slices.Equal(arms, want) {
		t.Errorf("the claims are about %v; kept results have %v", arms, want)
	}
	if got, want := baselines(arms), []string{"flat", "interleave", bestFlat, "static", "numa-wrongmap"}; !slices.Equal(got, want) {
		t.Errorf("numa is compared with %v; kept results have %v", got, want)
	}
}

// The workloads that declare sizes for the claim table are those of the kept one, in its order.
func TestTheTableHasTheWorkloadsThatDeclareIt(t *testing.T) {
	kept, err := ReadPieces("../../results/reference-sim-claims")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, b := range kept {
		if !b.Open() { // how often requests arrive is found by simulating
			want = append(want, b.Topo+" "+b.Workload+" "+b.Params)
		}
	}
	for _, name := range QuickMachines {
		p, err := sim.LoadPreset(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := simulated.Of(p, 1)
		if err != nil {
			t.Fatal(err)
		}
		progs, err := programs(m.Topology)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range progs {
			if !p.Open {
				got = append(got, name+" "+p.Name+" "+p.Sizes())
			}
		}
		if last := progs[len(progs)-1]; !last.Open {
			t.Errorf("%s ends with %s, want the workload with arrivals", name, last.Name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}
