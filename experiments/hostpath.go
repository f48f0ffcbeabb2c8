package main

import (
	"os"
	"path/filepath"
)

// hostPath says where the host of a virtual machine will find a result: what is
// written below one directory of the machine is copied into one of the host
// (scripts/numalab.sh --out). Elsewhere it returns path.
func hostPath(path string) string {
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
