package usage

import (
	"slices"
	"strings"

	"numasched/experiments/peers"
)

// Arms reads the arms that run measures: "flat,numa" or "all".
func Arms(s string) ([]string, error) {
	names := ArmNames()
	arms := ListWithAll(s, names)
	for _, a := range arms {
		if peer := peers.ByName(a); peer != nil {
			if err := peer.Ready(); err != nil {
				return nil, Errorf("--arm %s: %w", a, err)
			}
		} else if !slices.Contains(names, a) {
			return nil, Errorf("--arm: %w", Unknown("arm", a, append(append(names, Peers()...), "all")))
		}
	}
	if len(arms) == 0 {
		return nil, Errorf("--arm: empty list (valid: %s, all)", strings.Join(names, ", "))
	}
	return arms, nil
}

// SimArms reads the arms that sim runs: "flat,numa" or "all".
func SimArms(s string) ([]string, error) {
	names := Schedulers()
	arms := ListWithAll(s, names)
	if len(arms) == 0 {
		return nil, Errorf("--arm: empty list (valid: %s, all)", strings.Join(names, ", "))
	}
	for _, a := range arms {
		switch {
		case slices.Contains(names, a):
		case slices.Contains(append(ArmNames(), Peers()...), a):
			return nil, Errorf("--arm %s: it runs on a host only, see \"run\"; want arms that can be simulated: %s, all", a, strings.Join(names, ", "))
		default:
			return nil, Errorf("--arm: %w", Unknown("arm", a, append(names, "all")))
		}
	}
	return arms, nil
}
