//go:build !linux

package topology

import (
	"io/fs"
	"os"
)

// openDirFS opens a directory as a tree.
func openDirFS(dir string) (fs.FS, func() error, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, nil, err
	}
	return os.DirFS(dir), func() error { return nil }, nil
}
