//go:build !linux || !amd64

package main

import "fmt"

// probeKVM is there for x86 alone.
func probeKVM() int {
	fmt.Println("no probe for this kind of CPU")
	return 1
}
