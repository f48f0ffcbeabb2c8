package doctor

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// virtual says whether this is a virtual machine, on any architecture.
func (s System) virtual() Check {
	if sign := s.hypervisor(); sign != "" {
		return Check{
			Name:   "virtual machine",
			Status: Note,
			Seen:   "yes (" + sign + "): the host below may move our CPUs and memory, and caches and nodes may be made up",
			Mend:   "report results as those of a virtual machine; ask for dedicated or pinned CPUs",
		}
	}
	return Check{Name: "virtual machine", Status: OK, Seen: "no sign of one"}
}

// hypervisor returns the first sign of a hypervisor, or "" if there is none. The files
// that show it are those that systemd-detect-virt(1) and virt-what(1) read.
func (s System) hypervisor() string {
	for _, sign := range []func() string{s.xen, s.deviceTree, s.sysinfo, s.dmi, s.cpuinfo} {
		if v := sign(); v != "" {
			return v
		}
	}
	return ""
}

// xen: the kernel says what it runs on. Xen's control domain counts as well: it sees
// the real machine, but Xen schedules its CPUs.
func (s System) xen() string {
	if v := s.text("sys/hypervisor/type"); v != "" {
		return v + " in /sys/hypervisor"
	}
	if _, err := fs.Stat(s.Root, "proc/xen/capabilities"); err == nil {
		return "/proc/xen"
	}
	return ""
}

// deviceTree: the firmware of arm, POWER and RISC-V machines may describe them in a
// tree of properties. A property is one or more strings, each with a NUL at its end.
func (s System) deviceTree() string {
	for _, root := range []string{"proc/device-tree/", "sys/firmware/devicetree/base/"} {
		property := func(name string) []string {
			return strings.FieldsFunc(s.text(root+name), func(r rune) bool { return r == 0 || r == '\n' })
		}
		if v := property("hypervisor/compatible"); len(v) > 0 {
			return v[0] + " in the device tree"
		}
		if _, err := fs.Stat(s.Root, root+"ibm,partition-name"); err == nil {
			return "a partition of POWER, by the device tree"
		}
		for _, v := range append(property("compatible"), property("model")...) {
			for _, machine := range []string{"qemu", "linux,dummy-virt", "riscv-virtio", "crosvm", "xen,"} {
				if strings.Contains(v, machine) {
					return v + " in the device tree"
				}
			}
		}
		entries, _ := fs.ReadDir(s.Root, strings.TrimSuffix(root, "/"))
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "fw-cfg") {
				return "QEMU's " + e.Name() + " in the device tree"
			}
		}
	}
	return ""
}

// sysinfo: on s390, "VM00" is the innermost hypervisor. Every s390 system runs in a
// logical partition (LPAR), so that alone does not count.
func (s System) sysinfo() string {
	for _, line := range strings.Split(s.text("proc/sysinfo"), "\n") {
		if v, ok := strings.CutPrefix(line, "VM00 Control Program:"); ok {
			return strings.Join(strings.Fields(v), " ") + " in /proc/sysinfo"
		}
	}
	return ""
}

// vmVendors are the beginnings of the names that the firmware of virtual machines gives
// for maker and model.
var vmVendors = []string{
	"KVM", "QEMU", "OpenStack", "KubeVirt", "RHEV", "oVirt", "Bochs", "BHYVE", "Xen", "Parallels", "VMware", "VMW",
	"innotek GmbH", "VirtualBox", "Hyper-V", "Virtual Machine", "Apple Virtualization",
	"Google Compute Engine", "Amazon EC2", "DigitalOcean", "Alibaba Cloud ECS", "Cloud Hypervisor",
}

// dmi: x86, arm64, RISC-V and LoongArch machines with SMBIOS.
func (s System) dmi() string {
	const dir = "sys/class/dmi/id/"
	product := s.text(dir + "product_name")
	// One bit of the table says "virtual machine"; only root may read it (SMBIOS
	// specification 3.4, BIOS characteristics extension byte 2, bit 4).
	raw, err := fs.ReadFile(s.Root, "sys/firmware/dmi/entries/0-0/raw")
	known := err == nil && len(raw) >= 20 && raw[1] >= 20
	if known && raw[19]&(1<<4) != 0 {
		return strings.TrimSuffix("the firmware says so, "+product, ", ")
	}
	for _, name := range []string{"product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version", "chassis_vendor"} {
		v := s.text(dir + name)
		for _, vendor := range vmVendors {
			if !strings.HasPrefix(v, vendor) {
				continue
			}
			// Amazon's machines without a hypervisor have the same vendor.
			if vendor == "Amazon EC2" && (known || strings.HasSuffix(product, ".metal") || strings.Contains(product, ".metal-")) {
				return ""
			}
			return v + " in DMI " + name
		}
	}
	return ""
}

// cpuinfo: x86 has a flag that hypervisors set, and some kernels of other
// machines name what emulates them.
func (s System) cpuinfo() string {
	for _, line := range strings.Split(s.text("proc/cpuinfo"), "\n") {
		key, value, _ := strings.Cut(line, ":")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case key == "flags" && slices.Contains(strings.Fields(value), "hypervisor"):
			return "the CPU flag hypervisor"
		case key == "vendor_id" && value == "User Mode Linux":
			return value
		case key == "platform" && strings.HasPrefix(value, "pSeries"):
			return strconv.Quote(value) + " in /proc/cpuinfo" // bare machines say PowerNV
		case (key == "machine" || key == "model name" || key == "Model Name" || key == "cpu model") && strings.Contains(strings.ToLower(value), "qemu"):
			return strconv.Quote(value) + " in /proc/cpuinfo"
		}
	}
	return ""
}
