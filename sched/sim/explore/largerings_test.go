//go:build !smallrings

package explore

const smallRings = false
