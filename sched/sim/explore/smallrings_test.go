//go:build smallrings

package explore

// smallRings reports whether rings, magazines and free lists are full after a few Gs.
const smallRings = true
