//go:build !linux

package host

// settle does nothing: threads are not bound.
func (b *masks) settle() bool { return true }
