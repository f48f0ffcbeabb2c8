package harness

import "github.com/intel-go/cpuid"

// processor asks the CPU itself. Caches and topology come from sysfs instead:
// intel-go/cpuid does not know the leaves 0x0B, 0x1A and 0x1F, and it reports
// wrong L3 sizes on AMD.
func processor() CPU {
	c := CPU{
		Vendor:     cpuid.VendorIdentificatorString,
		Model:      trimModel(cpuid.ProcessorBrandString),
		Family:     cpuid.DisplayFamily,
		ModelNo:    cpuid.DisplayModel,
		Stepping:   cpuid.SteppingId,
		CacheLine:  cpuid.CacheLineSize,
		Hypervisor: cpuid.HasFeature(cpuid.HYPERVISOR),
	}
	for bit := range 64 {
		f := uint64(1) << bit
		if name, ok := cpuid.FeatureNames[f]; ok && cpuid.HasFeature(f) {
			c.Features = append(c.Features, name)
		}
		if name, ok := cpuid.ExtendedFeatureNames[f]; ok && cpuid.HasExtendedFeature(f) {
			c.Features = append(c.Features, name)
		}
	}
	return c
}
