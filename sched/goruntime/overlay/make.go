package overlay

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"numasched/sched/policy"
)

// own are our files: those in package runtime, and package runtime/numa.
//
//go:embed _runtime/*.go _numa/*.go
var own embed.FS

// reviewed says which hashes of which declarations somebody has read and tested, and in
// which release: the release's name, then "file:declaration", then the hash.
//
//go:embed reviewed.json
var reviewedJSON []byte

// Marker is a text that every program with the overlay contains.
const Marker = "numago: this program's runtime is NUMA-aware"

// An UnsupportedError says why an overlay for a release cannot be made.
type UnsupportedError struct {
	Release string
	Changed []string // "file:declaration"
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s is not supported: these declarations of its runtime differ from every reviewed release: %s; want one of %s",
		e.Release, strings.Join(e.Changed, ", "), strings.Join(Releases(), ", "))
}

var reviewed = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	if err := json.Unmarshal(reviewedJSON, &all); err != nil {
		panic("overlay: reviewed.json: " + err.Error()) // it is part of this program
	}
	return all
})

// Releases returns the releases that somebody has reviewed.
func Releases() []string { return slices.Sorted(maps.Keys(reviewed())) }

// Edited returns the names of the declarations that the overlay edits.
func Edited() (all []string) {
	for _, e := range edits {
		if !slices.Contains(all, e.decl) {
			all = append(all, e.decl)
		}
	}
	return all
}

// Hashes returns the hashes of what the overlay touches and relies on. src is the folder
// src/runtime of a GOROOT.
func Hashes(src fs.FS) (map[string]string, error) {
	files, err := load(src)
	if err != nil {
		return nil, err
	}
	return hashes(files)
}

func load(src fs.FS) (map[string]*source, error) {
	files := map[string]*source{}
	for _, name := range names() {
		text, err := fs.ReadFile(src, name)
		if err != nil {
			return nil, err
		}
		if files[name], err = parse(name, text); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// names are the files that the overlay touches or relies on.
func names() []string {
	all := map[string]bool{}
	for _, e := range edits {
		all[e.file] = true
	}
	for name := range relied {
		all[name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func hashes(files map[string]*source) (map[string]string, error) {
	all := map[string]string{}
	for file, decls := range relied {
		for _, decl := range decls {
			all[file+":"+decl] = ""
		}
	}
	for _, e := range edits {
		all[e.file+":"+e.decl] = ""
	}
	for name := range all {
		file, decl, _ := strings.Cut(name, ":")
		// What is missing has no hash, and so it differs from every reviewed release.
		all[name], _ = files[file].hash(decl)
	}
	return all, nil
}

// changed returns the declarations that differ from the reviewed release that is nearest.
// A release is taken whole: two declarations that were reviewed apart may not fit together.
func changed(now map[string]string) (best []string) {
	for i, release := range Releases() {
		known := reviewed()[release]
		var differ []string
		for _, name := range slices.Sorted(maps.Keys(now)) {
			if now[name] == "" || known[name] != now[name] {
				differ = append(differ, name)
			}
		}
		if i == 0 || len(differ) < len(best) {
			best = differ
		}
	}
	return best
}

// Check returns an [UnsupportedError] unless everything that the overlay touches or relies
// on is as reviewed. src is the folder src/runtime of the GOROOT of the release.
func Check(release string, src fs.FS) error {
	_, err := check(release, src)
	return err
}

func check(release string, src fs.FS) (map[string]*source, error) {
	files, err := load(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", release, err)
	}
	now, err := hashes(files)
	if err != nil {
		return nil, err
	}
	if differ := changed(now); len(differ) > 0 {
		return nil, &UnsupportedError{release, differ}
	}
	return files, nil
}

// Files returns the texts of the overlay by name, in src/runtime: Go's files after the
// edits, ours, and those of package policy.
func Files(release string, src fs.FS) (map[string][]byte, error) {
	sources, err := check(release, src)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	byFile := map[string][]edit{}
	for _, e := range edits {
		byFile[e.file] = append(byFile[e.file], e)
	}
	for file, edits := range byFile {
		if out[file], err = sources[file].apply(edits); err != nil {
			return nil, err
		}
	}
	// A folder that begins with an underscore is no package of this module.
	for folder, dir := range map[string]string{"_runtime": "", "_numa": "numa"} {
		ours, err := fs.Glob(own, folder+"/*.go")
		if err != nil {
			return nil, err
		}
		for _, name := range ours {
			if out[path.Join(dir, path.Base(name))], err = own.ReadFile(name); err != nil {
				return nil, err
			}
		}
	}
	for name, text := range Policy() {
		out[name] = text
	}
	return out, nil
}

var policyClause = regexp.MustCompile(`(?m)^package policy$`)

// Policy returns the files of package policy as they are compiled into package runtime.
func Policy() map[string][]byte {
	out := map[string][]byte{}
	for name, text := range policy.Source() {
		out["numa_policy_"+name] = policyClause.ReplaceAll(text, []byte("package runtime"))
	}
	return out
}

// Make writes an overlay for a GOROOT of the given release into a folder of its own
// under dir, and returns its overlay.json. The folder's name tells the content, so the
// same overlay is written once, and the go command finds what it built with it.
func Make(dir, release, goroot string) (overlayJSON string, err error) {
	runtime := filepath.Join(goroot, "src", "runtime")
	files, err := Files(release, os.DirFS(runtime))
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, goroot)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%s %d\n%s", name, len(files[name]), files[name])
	}
	dir = filepath.Join(dir, release+"-"+hex.EncodeToString(sum.Sum(nil)[:8]))
	overlayJSON = filepath.Join(dir, "overlay.json")
	replace := map[string]string{}
	for name := range files {
		replace[filepath.Join(runtime, name)] = filepath.Join(dir, name)
	}
	text, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return "", err
	}
	files["overlay.json"] = text
	if intact(dir, files) {
		return overlayJSON, nil
	}
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return "", err
		}
		if err := write(name, text); err != nil {
			return "", err
		}
	}
	return overlayJSON, nil
}

// intact reports whether dir holds the files, whole.
func intact(dir string, files map[string][]byte) bool {
	for name, text := range files {
		if have, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(have) != string(text) {
			return false
		}
	}
	return true
}

// write writes a file beside and renames it: another numago may be reading the old one.
func write(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
