//go:build !amd64

package harness

import (
	"bufio"
	"os"
	"strings"
)

// processor reads what Linux says about a CPU that has no CPUID. That is little,
// and the names differ between architectures.
func processor() CPU {
	var c CPU
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return c
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		key, value, ok := strings.Cut(sc.Text(), ":")
		if !ok {
			continue
		}
		value = trimModel(value)
		switch strings.TrimSpace(key) {
		case "model name", "cpu", "uarch":
			if c.Model == "" {
				c.Model = value
			}
		case "CPU implementer", "vendor_id":
			if c.Vendor == "" {
				c.Vendor = value
			}
		case "CPU part":
			if c.Model == "" {
				c.Model = "part " + value
			}
		case "Features", "isa":
			if c.Features == nil {
				c.Features = strings.Fields(value)
			}
		}
	}
	return c
}
