package claims

import (
	"fmt"
	"slices"

	"numasched/experiments/harness"
)

// A block of the full table takes hours. So it is simulated in pieces, and a run that is cut
// off loses one at most. The first piece has the seeds and the draws. Each of the others has
// the constants of one family, each of them alone (variant.go).
//
// Invariants:
//
//   - A plan always has the same pieces in the same order. A shard has a row of neighbours,
//     and the shards have every piece once.
//   - Every piece has the line of seed=1. Pieces of one block must agree there.
//   - Join makes of all pieces the bytes that one run without shards writes.

// A piece is what is simulated in one go.
type piece struct {
	*test
	number, of int // of the block's pieces, from 1
	family     int // of the constants, if it is not the first piece
}

// first reports whether a piece has the seeds and the draws.
func (x *piece) first() bool { return x.number == 1 }

// variants returns the variants whose rows the piece has. The first is the machine as it is.
func (x *piece) variants(seeds int) []variant {
	all := seedsAndDraws(x.machine, seeds)
	if x.first() {
		return all
	}
	return append(all[:1:1], singles(x.machine, x.family)...)
}

// pieces returns the pieces of the plan's shard.
func (p *Plan) pieces() []piece {
	var all []piece
	for _, t := range p.tests {
		own := []piece{{test: t}}
		for i := range len(families) + 1 {
			if f := (i + 1) % (len(families) + 1); t.singles && len(singles(t.machine, f)) > 0 {
				own = append(own, piece{test: t, family: f})
			}
		}
		for i := range own {
			own[i].number, own[i].of = i+1, len(own)
		}
		all = append(all, own...)
	}
	if number, of := p.shard[0], p.shard[1]; of > 0 {
		all = all[len(all)*(number-1)/of : len(all)*number/of]
	}
	return all
}

// Pieces returns how many pieces there are to simulate.
func (p *Plan) Pieces() int { return len(p.pieces()) }

// Shard leaves in the plan one of several shards of it, counted from 1. The error says that
// the shard would have nothing.
func (p *Plan) Shard(number, of int) error {
	if n := p.Pieces(); of > n {
		return fmt.Errorf("there are %s: want at most as many shards", harness.Count(n, "piece", "pieces"))
	}
	p.shard = [2]int{number, of}
	return nil
}

func (b *Block) where() string { return b.Name() + " on " + b.Topo }

// Join puts pieces together. Those of one block must all be there, in their order.
func Join(pieces []Block) ([]Block, error) {
	var whole []Block
	for i, n := 0, 0; i < len(pieces); i += n {
		b := pieces[i]
		n = max(1, b.Pieces)
		if n > len(pieces)-i {
			return nil, fmt.Errorf("%s: the last %d of its %d pieces are missing", b.where(), n-(len(pieces)-i), n)
		}
		if b.Pieces == 0 {
			whole = append(whole, b)
			continue
		}
		for k, x := range pieces[i : i+n] {
			if x.Cell != b.Cell || x.Piece != k+1 || x.Pieces != n || x.Unit != b.Unit || !slices.Equal(x.Arms, b.Arms) {
				return nil, fmt.Errorf("%s: want its piece %d/%d, got %d/%d of %s", b.where(), k+1, n, x.Piece, x.Pieces, x.where())
			}
			if k == 0 {
				b.Rows = slices.Clone(x.Rows)
				continue
			}
			for arm, v := range x.Rows[0].Values {
				if v != 0 && v != b.Rows[0].Values[arm] {
					return nil, fmt.Errorf("%s: piece %d/%d has %v for %s with seed=1, the first has %v: a simulation gives the same every time", b.where(), k+1, n, v, b.Arms[arm], b.Rows[0].Values[arm])
				}
			}
			b.Rows = append(b.Rows, x.Rows[1:]...)
		}
		slices.SortStableFunc(b.Rows, func(a, b Row) int { return int(a.kind) - int(b.kind) })
		b.Piece, b.Pieces = 0, 0
		whole = append(whole, b)
	}
	return whole, nil
}
