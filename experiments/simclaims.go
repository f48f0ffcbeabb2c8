package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
	"numasched/experiments/usage"
	"numasched/experiments/workload"
)

// plan returns what --claims simulates.
func (f *simFlags) plan() (*claims.Plan, error) {
	names := usage.List(f.presets)
	if len(names) == 0 {
		names = claims.QuickMachines
		if f.full {
			names = claims.Machines
		}
	}
	machines, err := usage.Presets(names)
	if err != nil {
		return nil, err
	}
	var progs []workload.Program
	if f.claimLoads {
		loads, err := usage.Workloads(f.workloads, !f.full)
		if err != nil {
			return nil, err
		}
		progs = programs(loads)
	}
	p, err := claims.NewPlan(machines, progs, f.seed, f.full)
	if err != nil {
		return nil, usage.Wrong(err)
	}
	if f.shard.Of > 0 {
		if err := p.Shard(f.shard.Number, f.shard.Of); err != nil {
			return nil, usage.Errorf("--shard %s: %w", f.shard.String(), err)
		}
	}
	return p, nil
}

// readShard reads the command of a shard of a claim table, as [claims.Reader] says. The whole
// command has the words of the shard's, but for --shard and --out.
func readShard(command []string, out string) (whole []string, own harness.Shard, err error) {
	if len(command) < 2 || command[1] != "sim" {
		return nil, own, nil
	}
	words := command[2:]
	var f simFlags
	if err := f.parse(words); err != nil {
		return nil, own, err
	}
	if !f.claims {
		return nil, own, nil
	}
	whole = slices.Clone(command[:2])
	err = new(simFlags).command(nil).Flags().ParseAll(words, func(flag *pflag.Flag, _ string) error {
		n := 2 // words: the flag and its value
		if flag.NoOptDefVal != "" || strings.Contains(words[0], "=") {
			n = 1
		}
		switch flag.Name {
		case "shard":
		case "out":
			whole = append(whole, "--out", out)
		default:
			whole = append(whole, words[:n]...)
		}
		words = words[n:]
		return nil
	})
	return whole, f.shard, err
}
