package report

import (
	"os"
	"path/filepath"
)

// HostPath returns where the host of a virtual machine finds a result.
// scripts/numalab.sh copies one directory of the machine to one of the host (--out).
// Any other path, and any path outside of a virtual machine, stays as it is.
func HostPath(path string) string {
	guest, host := os.Getenv("NUMALAB_RESULTS"), os.Getenv("NUMALAB_OUT")
	if guest == "" || host == "" {
		return path
	}
	rel, err := filepath.Rel(guest, path)
	if err != nil || !filepath.IsLocal(rel) {
		return path
	}
	return filepath.Join(host, rel)
}
