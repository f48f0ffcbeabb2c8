package topology

import (
	"io/fs"
	"os"
)

// openRootFS opens a directory as a tree on any system. Opening a link fails if it
// leads out of the directory, or is absolute.
func openRootFS(dir string) (fs.FS, func() error, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	return root.FS(), root.Close, nil
}
