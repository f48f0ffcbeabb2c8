package topology

import (
	"io/fs"
	"os"
)

// openRootFS opens a directory as a tree on any system. Links out of the
// directory cannot be opened, nor can those that begin at the root.
func openRootFS(dir string) (fs.FS, func() error, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	return root.FS(), root.Close, nil
}
