package usage

import (
	"github.com/spf13/pflag"

	"numasched/experiments/harness"
)

// ShardFlag adds --shard to a command whose results can be merged.
func ShardFlag(fs *pflag.FlagSet, s *harness.Shard, what string) {
	fs.Var(s, "shard", "only part `I/N` of "+what+", as in 2/8; merge puts the parts together")
}
