package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"numasched/experiments/claims"
	"numasched/experiments/harness"
)

// claimed reads the claim table and sets what is said of it in words. Without a table the
// README says how to make one.
func (b *book) claimed() {
	dir := filepath.Join(b.root, "results", "reference-sim-claims")
	b.values["claimsCommand"] = ""
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return
	}
	res, err := harness.Load(dir)
	if err != nil {
		b.fail("%v", err)
		return
	}
	blocks, err := claims.Read(dir)
	if err != nil {
		b.fail("%v", err)
		return
	}
	b.claims = claims.Of(res, blocks)
	b.set("claimsCommand", "%s", strings.Join(res.Meta.Command, " "))
	b.set("claimsSummary", "%s", b.claims.Lines()[0])
	b.set("claimsMethod", "%s", b.claims.Method())
	var room []string // on skewed loops
	groups := res.Groups()
	for i := range groups {
		g := &groups[i]
		if s, n := g.Find("static"), g.Find("numa"); strings.Contains(g.Params, "skew=") && s != nil && n != nil {
			room = append(room, fmt.Sprintf("%.2f and %.2f on %s", s.Mid(harness.OverBound), n.Mid(harness.OverBound), g.Topo))
		}
	}
	b.set("claimsRoom", "%s", list(room))
	b.shortOf("claimsFlat", "flat")
	b.shortOf("claimsBest", "best flat")
	b.roomOverFlats(groups)
}

// shortOf sets which runs miss the aim of 1.8x another arm, and what static has in them.
func (b *book) shortOf(name, over string) {
	at := slices.IndexFunc(b.claims.Targets, func(t claims.Target) bool { return t.Over == over && t.Least == 1.8 })
	if at < 0 {
		b.fail("claims: no aim of 1.8x %s", over)
		return
	}
	short, all := b.claims.Short(&b.claims.Targets[at])
	var cells []string
	var static, own []float64
	for _, s := range short {
		if cell := s.Of.Block.Name() + " on " + s.Of.Block.Topo; !slices.Contains(cells, cell) {
			cells = append(cells, cell)
		}
		static, own = append(static, s.Static), append(own, s.Ratio)
	}
	b.set(name+"Short", "%d of %d", len(short), all)
	b.set(name+"Cells", "%s", list(cells))
	b.set(name+"StaticShort", "%d of %d", below(static, 1.8), len(short))
	if len(short) == 0 {
		static, own = []float64{math.NaN()}, []float64{math.NaN()}
	}
	b.setRange(name+"Static", static, "%.2f")
	b.setRange(name+"Numa", own, "%.2f")
}

// roomOverFlats sets how far the best flat is from the lower bound on loops over arrays
// with homes, by machine.
func (b *book) roomOverFlats(groups []harness.Group) {
	var machines, texts []string
	room := map[string][]float64{}
	for i := range groups {
		g := &groups[i]
		best := math.Inf(1)
		for _, arm := range []string{"flat", "flat+firsttouch", "interleave"} {
			if r := g.Find(arm); r != nil && g.Homed() && g.Find("static") != nil {
				best = min(best, r.Mid(harness.OverBound))
			}
		}
		if math.IsInf(best, 1) {
			continue
		}
		if room[g.Topo] == nil {
			machines = append(machines, g.Topo)
		}
		room[g.Topo] = append(room[g.Topo], best)
	}
	for _, m := range machines {
		texts = append(texts, fmt.Sprintf("%.2f to %.2f times the bound on %s", least(room[m]), most(room[m]), m))
	}
	b.set("claimsBestRoom", "%s", list(texts))
}

// aims is the table of aims.
func (b *book) aims() string {
	var out strings.Builder
	out.WriteString("| aim, simulated | | cells | met in every run | met by the median | worst run |\n|---|---|---|---|---|---|\n")
	for i := range b.claims.Targets {
		t := &b.claims.Targets[i]
		if len(t.Cells) == 0 {
			continue
		}
		fmt.Fprintf(&out, "| %s | **%s** | %d | %d | %d | %s |\n", t.Aim, t.Verdict(), len(t.Cells), len(t.Met), len(t.Usual), t.WorstRun())
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// matrix is the claim table by workload and machine. Beside loops over arrays with homes it
// has the two baselines that are hardest to beat.
func (b *book) matrix() string {
	type row struct{ workload, over string }
	var machines []string
	var rows []row
	cells := map[row]map[string]*claims.Comparison{}
	for _, c := range b.claims.Comparisons {
		r := row{c.Block.Name(), c.Over}
		if r.over != "best flat" && r.over != "static" && len(c.Block.Arms) > 0 && slices.Contains(c.Block.Arms, "static") {
			continue
		}
		if cells[r] == nil {
			cells[r] = map[string]*claims.Comparison{}
			rows = append(rows, r)
		}
		if !slices.Contains(machines, c.Block.Topo) {
			machines = append(machines, c.Block.Topo)
		}
		cells[r][c.Block.Topo] = c
	}
	var out strings.Builder
	out.WriteString("| workload | `numa` over |")
	for _, m := range machines {
		fmt.Fprintf(&out, " %s, %s |", m, harness.Count(b.claims.Nodes(m), "node", "nodes"))
	}
	out.WriteString("\n|---|---|" + strings.Repeat("---|", len(machines)) + "\n")
	for _, r := range rows {
		fmt.Fprintf(&out, "| %s | %s |", r.workload, r.over)
		for _, m := range machines {
			c := cells[r][m]
			if c == nil {
				out.WriteString(" - |")
				continue
			}
			claim := c.Claim
			if claim == "" {
				claim = "open"
			}
			lo, hi := c.Range()
			fmt.Fprintf(&out, " %s, %.2f (%.2f to %.2f) |", claim, c.Middle(), lo, hi)
		}
		out.WriteString("\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}
