package sim

import "encoding/binary"

// A blend says which memories a flow's bytes come from and go to.
//
// Blends are numbered, because a class of flows is found by the number of its blend. The
// parts are rounded to 1 of blendParts, so that threads that do much the same are in one
// class. What rounds to nothing is left out.

// blendParts is how many parts the bytes of a flow have.
const blendParts = 256

// A part is what comes from and goes to one memory, or comes from a cache of its node.
type part struct {
	to     int32 // the memory's node
	cached bool  // from a cache there, not from the memory
	mix    int64 // write share, in sixtieths
	parts  int64 // of blendParts
}

// blends are all blends that were in use so far.
type blends struct {
	of     [][]part
	number map[string]int32
	key    []byte // scratch
}

// one returns the number of the blend that has all bytes in one place.
func (b *blends) one(to int32, mix int64, cached bool) int32 {
	return b.find([]part{{to, cached, mix, blendParts}})
}

// mixed returns the number of a blend. weights are of any size: the shares of parts are in
// proportion to them. The largest part gets what rounding leaves over.
func (b *blends) mixed(parts []part, weights []int64) int32 {
	total, most := int64(0), 0
	for i, w := range weights {
		total += w
		if w > weights[most] {
			most = i
		}
	}
	left := int64(blendParts)
	for i := range parts {
		parts[i].parts = (mulDiv(weights[i], 2*blendParts, total) + 1) / 2
		left -= parts[i].parts
	}
	parts[most].parts += left
	kept := parts[:0]
	for _, p := range parts {
		if p.parts > 0 {
			kept = append(kept, p)
		}
	}
	return b.find(kept)
}

// find returns the number of a blend, and notes one that is new.
func (b *blends) find(parts []part) int32 {
	b.key = b.key[:0]
	for _, p := range parts {
		cached := uint16(0)
		if p.cached {
			cached = 1 << 15
		}
		b.key = binary.LittleEndian.AppendUint32(b.key, uint32(p.to))
		b.key = binary.LittleEndian.AppendUint16(b.key, uint16(p.parts)|cached)
		b.key = append(b.key, byte(p.mix))
	}
	if n, ok := b.number[string(b.key)]; ok {
		return n
	}
	n := int32(len(b.of))
	b.of = append(b.of, append([]part(nil), parts...))
	b.number[string(b.key)] = n
	return n
}
