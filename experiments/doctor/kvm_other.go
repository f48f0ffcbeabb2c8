//go:build !linux || !amd64

package doctor

import "errors"

// ProbeKVM is there for x86 alone.
func ProbeKVM() error { return errors.New("no probe for this kind of CPU") }
