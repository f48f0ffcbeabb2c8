package claims

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"numasched/sched/sim"
)

// Factors by which a constant is perturbed alone, and between which draws lie.
const (
	lowFactor  = sim.Milli(700)
	highFactor = sim.Milli(1300)
)

// Draws is how many joint draws there are.
const Draws = 10

// A Kind says what differs in a variant.
type Kind uint8

const (
	Seed   Kind = iota // the seed
	Single             // one assumed constant
	Draw               // all assumed constants
)

// A variant is one way to run a block.
type variant struct {
	name    string // as in claims.txt: "seed=2", "links*0.7", "draw=3"
	kind    Kind
	seed    int                  // added to the first one
	factors map[string]sim.Milli // of assumed constants
}

// kindOf returns the kind of the variant of that name.
func kindOf(name string) (Kind, error) {
	for prefix, kind := range map[string]Kind{"seed=": Seed, "draw=": Draw} {
		if number, ok := strings.CutPrefix(name, prefix); ok {
			if _, err := strconv.ParseUint(number, 10, 31); err == nil {
				return kind, nil
			}
		}
	}
	if strings.Index(name, "*") > 0 {
		return Single, nil
	}
	return 0, fmt.Errorf("%q: want seed=N, draw=N or CONSTANT*FACTOR", name)
}

// seedsAndDraws returns the variants of a machine in which no constant is changed alone. The
// first is the machine as it is.
func seedsAndDraws(p *sim.Preset, seeds int) (vs []variant) {
	for i := range seeds {
		vs = append(vs, variant{name: fmt.Sprintf("seed=%d", i+1), kind: Seed, seed: i})
	}
	names := p.AssumedConstants()
	if len(names) == 0 {
		return vs // all is measured
	}
	for d := range Draws {
		v := variant{name: fmt.Sprintf("draw=%d", d+1), kind: Draw, factors: map[string]sim.Milli{}}
		for _, name := range names {
			v.factors[name] = draw(d, name)
		}
		vs = append(vs, v)
	}
	return vs
}

// singles returns the variants in which one constant of a family is changed.
func singles(p *sim.Preset, family int) (vs []variant) {
	for _, name := range p.AssumedConstants() {
		if familyOf(name) != family {
			continue
		}
		for _, by := range []sim.Milli{lowFactor, highFactor} {
			vs = append(vs, variant{name: fmt.Sprintf("%s*%v", name, by), kind: Single, factors: map[string]sim.Milli{name: by}})
		}
	}
	return vs
}

// together returns a variant in which all constants of vs have the same factor.
func together(by sim.Milli, vs []variant) variant {
	all := variant{name: fmt.Sprintf("all*%v", by), factors: map[string]sim.Milli{}}
	for _, v := range vs {
		for name := range v.factors {
			all.factors[name] = by
		}
	}
	return all
}

// draw returns the factor of a constant in a draw, distributed as a logarithm's even
// spread between lowFactor and highFactor. It depends on nothing but its arguments, and
// is the same on every CPU: there is no addition, which some of them fuse, and square
// roots and products are exact to the last bit everywhere.
func draw(number int, constant string) sim.Milli {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", number, constant)
	bits := h.Sum64()
	bits = (bits ^ bits>>30) * 0xbf58476d1ce4e5b9 // the last step of SplitMix64: FNV mixes little
	bits = (bits ^ bits>>27) * 0x94d049bb133111eb
	bits ^= bits >> 31
	by, root := 1.0, float64(highFactor)/float64(lowFactor)
	for i := range 32 {
		root = math.Sqrt(root)
		if bits>>(63-i)&1 == 1 {
			by *= root
		}
	}
	return sim.Milli(math.Round(by * float64(lowFactor)))
}

// families are constants that a program often uses not at all. They are first changed all
// at once: if no run takes a nanosecond more or less, none of them matters there, and
// each alone need not be run. Each family is a piece of a block, and all other
// constants are one more, number 0.
var families = [][]string{
	{"l1_ns", "l2_ns", "l3_ns", "l1_GBps", "l2_GBps", "l3_GBps", "cache_KiB", "misses_under_way", "smt_share"},
	{"idle_ns/own", "idle_ns/other", "node_GBps", "core_scaling", "mesh_GBps", "links", "loaded_latency"},
	{"fault_ns_per_page", "buffer_ns", "alloc_ns", "kernel_cycles", "setaffinity_ns", "clone_ns", "time_slice_ns"},
	{"go_object_ns", "go_object_busy_ns", "sched_inline_ns", "sched_newstack_ns", "sched_context_lines", "sched_switch_ns"},
}

// familyOf returns the number of a constant's family, from 1, or 0 if it is in none.
func familyOf(constant string) int {
	return 1 + slices.IndexFunc(families, func(of []string) bool { return slices.Contains(of, constant) })
}
