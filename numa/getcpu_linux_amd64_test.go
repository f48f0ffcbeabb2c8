package numa

import "testing"

func BenchmarkLSL(b *testing.B) {
	for b.Loop() {
		lsl()
	}
}

func BenchmarkRDPID(b *testing.B) {
	if !hasRDPID() {
		b.Skip("this CPU has no RDPID")
	}
	for b.Loop() {
		rdpid()
	}
}
