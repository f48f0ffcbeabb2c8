package topology

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Load resolves the argument of every --topology and --from flag:
//
//	host                     this machine
//	synthetic:SPEC           a regular machine, see [ParseSynthetic]
//	preset:NAME, or NAME     a named machine, see [Preset]
//	FILE                     a capture, or what `lstopo FILE.xml` wrote
//	DIRECTORY                that holds sys and proc, such as an unpacked capture,
//	                         or nothing but the directory that does
//
// Links are followed inside a DIRECTORY only, as if it were the root.
// An error names the argument and what was expected.
func Load(arg string) (*Topology, error) {
	switch {
	case arg == "host":
		return Host()
	case strings.HasPrefix(arg, "synthetic:"):
		return ParseSynthetic(arg)
	case strings.HasPrefix(arg, "preset:"):
		return Preset(strings.TrimPrefix(arg, "preset:"))
	}
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist) && isPreset(arg):
		return Preset(arg)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("topology %q: no such file: want host, synthetic:NxC, synthetic:PxNxLxCxT, a capture.tar.gz, an hwloc file.xml, a directory with sys and proc, or a preset: %s", arg, strings.Join(Presets(), ", "))
	case err != nil:
		return nil, fmt.Errorf("topology %w", err)
	case info.IsDir():
		return openDir(arg)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("topology %q: not a file or directory: want a capture.tar.gz, an hwloc file.xml or a directory with sys and proc", arg)
	}
	xml, err := looksLikeXML(arg)
	if err != nil {
		return nil, err
	}
	if xml {
		return openXML(arg)
	}
	return Open(arg)
}

func openDir(dir string) (*Topology, error) {
	fsys, done, err := openDirFS(rootIn(dir))
	if err != nil {
		return nil, err
	}
	defer done()
	t, err := Read(fsys)
	if err != nil {
		return nil, fmt.Errorf("topology %q: %w", dir, err)
	}
	t.Origin = filepath.Clean(dir)
	return t, nil
}

// rootIn returns the directory that holds sys or proc. It is dir, or, if dir holds
// nothing but one directory, that one, and so on. If there is none it returns dir.
func rootIn(dir string) string {
	at := dir
	for range maxRootDepth + 1 {
		for _, name := range []string{"sys", "proc"} {
			if _, err := os.Lstat(filepath.Join(at, name)); err == nil {
				return at
			}
		}
		f, err := os.Open(at)
		if err != nil {
			break
		}
		entries, _ := f.ReadDir(2)
		f.Close()
		if len(entries) != 1 || !entries[0].IsDir() {
			break
		}
		at = filepath.Join(at, entries[0].Name())
	}
	return dir
}

func looksLikeXML(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	start, _ := bufio.NewReaderSize(f, 512).Peek(64)
	text := strings.TrimLeft(strings.TrimPrefix(string(start), "\ufeff"), " \t\r\n")
	return strings.HasPrefix(text, "<"), nil
}

func openXML(file string) (*Topology, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := ReadHwlocXML(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	t.Origin = file
	return t, nil
}
