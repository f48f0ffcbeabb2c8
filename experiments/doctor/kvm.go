package doctor

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"time"
)

// KVM runs one instruction in a virtual machine, in a process of its own: where
// KVM is broken, as it may be inside another virtual machine, that never ends.
// The arguments are those with which this program calls [ProbeKVM].
func KVM(args ...string) Check {
	c := Check{"KVM", OK, "runs a guest", ""}
	if _, err := os.Stat("/dev/kvm"); err != nil {
		c.Status, c.Seen = Note, "not there: scripts/numalab.sh emulates its machine, about ten times as slowly"
		return c
	}
	self, err := os.Executable()
	if err != nil {
		c.Status, c.Seen = Note, "not tried: "+err.Error()
		return c
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	ended := make(chan error, 1)
	go func() { ended <- cmd.Run() }()
	select {
	case err = <-ended:
	case <-time.After(5 * time.Second): // it is stuck in the kernel, and not even killed
	}
	if ctx.Err() != nil {
		c.Status, c.Seen = Warn, "hangs: a guest of one instruction did not end in 3 s"
		c.Mend = "scripts/numalab.sh falls back to emulation; on a nested host, ask for nested virtualisation to be mended or turned off"
		return c
	}
	switch why := strings.TrimSpace(out.String()); {
	case err != nil && why == "":
		c.Status, c.Seen = Note, "cannot be tried: "+err.Error()
	case err != nil:
		c.Status, c.Seen = Note, "cannot be used: "+why
		c.Mend = "scripts/numalab.sh emulates instead; for KVM: usermod -aG kvm $USER"
	}
	return c
}
