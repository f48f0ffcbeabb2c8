//go:build !unix

package topology

func makeFIFO(name string) bool { return false }
