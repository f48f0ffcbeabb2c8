package workload

import (
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"numasched/sched"
)

// uts counts the nodes of an unbalanced tree: UTS, the unbalanced tree search
// benchmark (Olivier et al., LCPC 2006). A node's state is a SHA-1 hash of its parent's
// state. The number of its children follows from the state alone, so nobody can know
// where the work is. A task is a node.
//
// Two kinds of its trees are here. In geometric trees (fixed shape) the number of
// children of a node above the greatest depth has a geometric distribution. In binomial
// trees the root has many children, and every other node has 8 or none.
var uts = &Workload{
	Name:    "uts",
	Doc:     "unbalanced tree search: T1 (4,130,071 nodes) or, with binomial=1, T3 (4,112,897)",
	Unit:    "node",
	Quick:   true,
	Claimed: sized("depth=6"),
	Params: []Param{
		{Name: "binomial", Doc: "1 for a binomial tree, 0 for a geometric one", Default: 0, Max: 1},
		{Name: "seed", Doc: "of the tree; 0 means the published one: 19, or 42 if binomial", Default: 0, Max: math.MaxInt32},
		{Name: "depth", Doc: "greatest depth of a geometric tree (T1: 10)", Default: 10, Quick: 6, Min: 0, Max: 15},
		{Name: "root", Doc: "children of a binomial tree's root (T3: 2000)", Default: 2000, Quick: 50, Min: 0, Max: 1 << 20},
	},
	New: func(p Params) (*Instance, error) {
		t := &utsTree{binomial: p["binomial"] == 1, depth: int(p["depth"]), root: int(p["root"])}
		seed := uint32(p["seed"])
		published := seed == 0
		if published {
			seed = 19
			if t.binomial {
				seed = 42
			}
		}
		var first [sha1.Size]byte
		binary.BigEndian.PutUint32(first[16:], seed)
		origin := utsNode{state: sha1.Sum(first[:])}
		in := &Instance{}
		switch {
		case published && !t.binomial && t.depth == 10:
			in.Tasks = 4130071
		case published && t.binomial && t.root == 2000:
			in.Tasks = 4112897
		default:
			in.Tasks = int64(t.count(origin))
		}
		check := func(got int64) error {
			if got != in.Tasks {
				return fmt.Errorf("uts: counted %d nodes, want %d", got, in.Tasks)
			}
			return nil
		}
		in.Run = func(g *sched.G) error { return check(int64(t.search(g, origin))) }
		in.Stock = func() error {
			var nodes atomic.Int64
			var wg sync.WaitGroup
			wg.Add(1)
			t.stock(origin, &nodes, &wg)
			wg.Wait()
			return check(nodes.Load())
		}
		return in, nil
	},
}

// UTSOps is how many operations making a child counts as: a block of SHA-1 takes
// some 80 rounds of 5 operations.
const UTSOps = 400

// MakeUTSChildren makes n nodes, each the child of the last, and asks each how many
// children it has. That is what a Work of the kernel "uts" stands for, whose own
// function is empty because the answers decide what comes next. It returns their sum.
func MakeUTSChildren(n int) (sum int) {
	t, v := &utsTree{depth: n}, utsNode{}
	for i := range n {
		v = t.child(&v, i)
		sum += t.children(&v)
	}
	return sum
}

// utsFan is how many children of a node are searched at a time. The recursion keeps them
// on its stack.
const utsFan = 16

type utsTree struct {
	binomial    bool
	depth, root int
}

type utsNode struct {
	state [sha1.Size]byte
	depth int
}

// children returns how many children v has, by the reference implementation's
// arithmetic.
func (t *utsTree) children(v *utsNode) int {
	random := binary.BigEndian.Uint32(v.state[16:]) & math.MaxInt32
	u := float64(random) / (1 << 31)
	switch {
	case t.binomial && v.depth == 0:
		return t.root
	case t.binomial && u < 0.124875:
		return 8
	case t.binomial || v.depth >= t.depth:
		return 0
	}
	const mean = 4
	p := 1.0 / (1.0 + mean)
	return min(100, int(math.Floor(math.Log(1-u)/math.Log(1-p))))
}

func (t *utsTree) child(v *utsNode, i int) utsNode {
	var in [sha1.Size + 4]byte
	copy(in[:], v.state[:])
	binary.BigEndian.PutUint32(in[sha1.Size:], uint32(i))
	return utsNode{sha1.Sum(in[:]), v.depth + 1}
}

// count counts v and the tree below it, alone.
func (t *utsTree) count(v utsNode) int {
	sum := 1
	for i := range t.children(&v) {
		sum += t.count(t.child(&v, i))
	}
	return sum
}

// search counts the tree below the root.
func (t *utsTree) search(g *sched.G, root utsNode) int {
	counts := make([]int, t.children(&root))
	var gr sched.Group
	for i := range counts {
		below := subtree{t, t.child(&root, i)}
		gr.Go(g, func(g *sched.G) { counts[i] = searchBelow(g, below) })
	}
	gr.Wait(g)
	sum := 1
	for _, n := range counts {
		sum += n
	}
	return sum
}

// A subtree is a node of a tree and all below it.
type subtree struct {
	*utsTree
	node utsNode
}

// searchBelow counts a subtree.
func searchBelow(g *sched.G, s subtree) int {
	n := s.children(&s.node)
	if n == 0 {
		return 1
	}
	sum := 1
	var kids [utsFan]sched.Forked[subtree, int]
	for lo := 0; lo < n; lo += utsFan {
		hi := min(lo+utsFan, n)
		g.Work(sched.Work{Kernel: "uts", Ops: int64(hi-lo) * UTSOps}, func() {}) // done below: it decides what comes next
		for i := lo; i < hi; i++ {
			kids[i-lo] = sched.Fork(g, searchBelow, subtree{s.utsTree, s.child(&s.node, i)})
		}
		for i := hi - 1; i >= lo; i-- {
			sum += kids[i-lo].Join(g)
		}
	}
	return sum
}

// stock counts v, and lets goroutines count the tree below it.
func (t *utsTree) stock(v utsNode, nodes *atomic.Int64, wg *sync.WaitGroup) {
	defer wg.Done()
	nodes.Add(1)
	n := t.children(&v)
	wg.Add(n)
	for i := range n {
		go t.stock(t.child(&v, i), nodes, wg)
	}
}
