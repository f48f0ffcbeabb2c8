//go:build !linux

package topology

import "io/fs"

// openDirFS opens a directory as a tree. Links out of it lead nowhere.
func openDirFS(dir string) (fs.FS, func() error, error) { return openRootFS(dir) }
