package workload

// A kronecker is the graph of Graph 500: 2^scale vertices, 16 edges for each, initiator .57
// .19 .19 .05. Every edge stands in the lists of both its ends.
type kronecker struct {
	scale int
	seed  uint64

	first []int32 // the neighbours of v are near[first[v]:first[v+1]]
	near  []int32
}

const graphDegree = 16

// fill makes the graph in first and near, which have the length that they need.
func (k *kronecker) fill() {
	n := 1 << k.scale
	clear(k.first)
	edges := make([][2]int32, n*graphDegree)
	for i := range edges { // degrees
		v, w := k.edge(i)
		edges[i] = [2]int32{v, w}
		k.first[v]++
		k.first[w]++
	}
	sum := int32(0)
	for v := range n {
		sum += k.first[v]
		k.first[v] = sum // the end, which moves to the beginning below
	}
	k.first[n] = sum
	for _, e := range edges {
		v, w := e[0], e[1]
		k.first[v]--
		k.near[k.first[v]] = w
		k.first[w]--
		k.near[k.first[w]] = v
	}
}

// edge returns the ends of edge i. The initiator chooses each bit of both.
func (k *kronecker) edge(i int) (v, w int32) {
	var random uint64
	for bit := range k.scale {
		if bit%4 == 0 {
			random = mix(k.seed<<40 + uint64(i)<<4 + uint64(bit/4))
		}
		x := random & (1<<16 - 1) * 100 >> 16
		random >>= 16
		v, w = v<<1, w<<1
		switch {
		case x < 57:
		case x < 76:
			w |= 1
		case x < 95:
			v |= 1
		default:
			v |= 1
			w |= 1
		}
	}
	return v, w
}
