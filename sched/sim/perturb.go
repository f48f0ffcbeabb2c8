package sim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"numasched/sched/sim/strict"
)

// What a simulation says must not hang on a number that somebody has guessed. So a claim
// is tried again with other values of each assumed constant:
//
//   - A scalar, a list or the links: every number is multiplied.
//   - A matrix between nodes counts as two constants. "idle_ns/own" is its diagonal, and
//     "idle_ns/other" is the rest. So the ratio of far to near changes, too.
//   - loaded_latency: the multiples at all loads above the first. They stay at least 1.
//   - core_scaling: what few cores get of a node's bandwidth. What all get is node_GBps.
//
// A constant that is 0 or empty says that there is no limit, and is not a number to
// multiply. kernel_cycles is one where no kernel is listed: then cycle_ns says all.

// The two parts of a matrix between nodes.
const (
	ownNode    = "/own"
	otherNodes = "/other"
)

// AssumedConstants returns the names of the constants that p assumes and that
// [Preset.Perturbed] can change, in a fixed order.
func (p *Preset) AssumedConstants() (names []string) {
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() != reflect.Struct || !strings.HasPrefix(f.FieldByName("Source").String(), "assumed") {
			continue
		}
		name := strict.FieldName(v.Type().Field(i))
		switch c := f.Interface().(type) {
		case Matrix:
			if len(c.Value) > 0 {
				names = append(names, name+ownNode)
			}
			if len(c.Value) > 1 {
				names = append(names, name+otherNodes)
			}
		case Scalar:
			if c.Value != 0 {
				names = append(names, name)
			}
		case Scaling:
			names = append(names, name)
		default:
			if f.FieldByName("Value").Len() > 0 {
				names = append(names, name)
			}
		}
	}
	return names
}

// Perturbed returns a copy of p in which the constants of those names are multiplied, by
// thousandths. A name that [Preset.AssumedConstants] does not list is an error: what is
// measured stays as it is.
func (p *Preset) Perturbed(factors map[string]Milli) (*Preset, error) {
	q := *p
	known := p.AssumedConstants()
	for name, by := range factors {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("preset %s: %q is not a constant that it assumes: want one of %s", p.Name, name, strings.Join(known, ", "))
		}
		if by <= 0 {
			return nil, fmt.Errorf("preset %s: %s times %v: want a factor above 0", p.Name, name, by)
		}
	}
	v := reflect.ValueOf(&q).Elem()
	for i := range v.NumField() {
		name := strict.FieldName(v.Type().Field(i))
		by, ok := factors[name]
		switch c := v.Field(i).Addr().Interface().(type) {
		case *Matrix:
			c.Value = perturbMatrix(c.Value, factors[name+ownNode], factors[name+otherNodes])
		case *Scalar:
			if ok {
				c.Value = scaled(c.Value, by)
			}
		case *List:
			if ok {
				c.Value = slices.Clone(c.Value)
				for i := range c.Value {
					c.Value[i] = scaled(c.Value[i], by)
					if c == &q.Caches && i > 0 {
						c.Value[i] = max(c.Value[i], c.Value[i-1])
					}
				}
			}
		case *Links:
			if ok {
				c.Value = slices.Clone(c.Value)
				for i := range c.Value {
					c.Value[i].GBps = scaled(c.Value[i].GBps, by)
				}
			}
		case *Kernels:
			if ok {
				value := make(map[string]Milli)
				for k, v := range c.Value {
					value[k] = scaled(v, by)
				}
				c.Value = value
			}
		case *Curve:
			if ok {
				c.Value = slices.Clone(c.Value)
				for i := 1; i < len(c.Value); i++ {
					c.Value[i][1] = max(1000, scaled(c.Value[i][1], by))
				}
			}
		case *Scaling:
			if ok {
				for _, curve := range []*[][2]Milli{&c.Value.Load, &c.Value.Copy, &c.Value.Triad, &c.Value.Update} {
					*curve = perturbScaling(*curve, by)
				}
			}
		}
	}
	q.SMT.Value = min(1000, q.SMT.Value)
	q.Ahead.Value = max(1000, q.Ahead.Value)
	return &q, nil
}

// scaled multiplies, and keeps what is above 0 so.
func scaled(v, by Milli) Milli {
	if v == 0 {
		return 0
	}
	return max(1, v*by/1000)
}

// perturbMatrix multiplies the diagonal and the rest. A factor of 0 is none.
func perturbMatrix(m [][]Milli, own, other Milli) [][]Milli {
	if own == 0 && other == 0 {
		return m
	}
	out := make([][]Milli, len(m))
	for i, row := range m {
		out[i] = slices.Clone(row)
		for j := range row {
			by := other
			if i == j {
				by = own
			}
			if by != 0 {
				out[i][j] = scaled(row[j], by)
			}
		}
	}
	return out
}

// perturbScaling multiplies a curve up to its largest value, which it keeps at its end.
func perturbScaling(curve [][2]Milli, by Milli) [][2]Milli {
	most := Milli(0)
	for _, pt := range curve {
		most = max(most, pt[1])
	}
	out := slices.Clone(curve)
	for i := range out[:len(out)-1] {
		out[i][1] = min(most, scaled(out[i][1], by))
	}
	if len(out) > 0 {
		out[len(out)-1][1] = most
	}
	return out
}
