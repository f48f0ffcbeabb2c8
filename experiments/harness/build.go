package harness

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// A Build says which program measured.
type Build struct {
	Go         string `json:"go"`
	Commit     string `json:"commit"` // or a module's version, or "unknown"
	Modified   bool   `json:"modified"`
	Why        string `json:"whyUnknown,omitempty"` // if the commit is "unknown"
	GOGC       string `json:"gogc"`                 // environment; "" means Go's default
	GOMEMLIMIT string `json:"gomemlimit,omitempty"`
	GODEBUG    string `json:"godebug,omitempty"`
	GOMAXPROCS int    `json:"gomaxprocs"` // at start; arms change it while they run
}

// ShortCommit returns the first twelve digits of a commit, or a version.
func (b *Build) ShortCommit() string {
	if strings.Trim(b.Commit, "0123456789abcdef") == "" {
		return b.Commit[:min(12, len(b.Commit))]
	}
	return b.Commit
}

// sameProgram reports whether b and o may be the same program under the same
// settings.
func (b Build) sameProgram(o Build) bool {
	if b.Commit == "unknown" || o.Commit == "unknown" {
		b.Commit, b.Modified = o.Commit, o.Modified
	}
	b.Why = o.Why
	return b == o
}

// ThisBuild describes the running program. The go command stamps the commit into
// a program, unless it is run with -buildvcs=false, in a git worktree, or without
// git. Then git is asked for the commit of the source tree beside the program,
// provided that the program is as new as its sources.
func ThisBuild() Build { return thisBuild() }

var thisBuild = sync.OnceValue(func() Build {
	b := Build{
		Go:         runtime.Version(),
		GOGC:       os.Getenv("GOGC"),
		GOMEMLIMIT: os.Getenv("GOMEMLIMIT"),
		GODEBUG:    os.Getenv("GODEBUG"),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
	}
	version := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	program, err := os.Executable()
	if err != nil {
		program = ""
	}
	working, _ := os.Getwd()
	b.identify(version, program, working)
	return b
})

// identify completes b's commit, of which the stamp is there if there is one, for
// a program that is of a version of this module and was started in the folder
// working.
func (b *Build) identify(version, program, working string) {
	tree, why := sourceTree(program, working)
	switch {
	case b.Commit == "" && version != "" && version != "(devel)":
		b.Commit = version // as "go install" of a module leaves it
	case b.Commit != "" && tree != "" && b.Modified:
		// Go takes any file that git does not know for a change, an archive in the
		// top folder too.
		if head, modified, err := askGit(tree); err == nil && head == b.Commit {
			b.Modified = modified
		}
	case b.Commit == "" && tree != "":
		head, modified, err := askGit(tree)
		if err != nil {
			why = "it was built without a stamp (as by -buildvcs=false), and git does not tell: " + err.Error()
			break
		}
		b.Commit, b.Modified = head, modified
	}
	if b.Commit == "" {
		b.Commit, b.Why = "unknown", why
	}
}

// sources are the files and folders that the program is made of.
var sources = []string{"go.mod", "go.sum", "experiments", "numa", "sched", "topology"}

// sourceTree finds the tree that program was built from: the one that it lies in,
// or the one that it was started in by "go run". It returns "" and why if there is
// none, or if a source file is newer than the program.
func sourceTree(program, working string) (tree, why string) {
	info, err := os.Stat(program)
	if err != nil {
		return "", "it was built without a stamp (as by -buildvcs=false)"
	}
	from, built := filepath.Dir(program), info.ModTime()
	if strings.Contains(filepath.ToSlash(program), "/go-build") { // go run and go test build it now
		from, built = working, time.Now()
	}
	for dir := from; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			if !strings.Contains(string(mod), moduleLine()) {
				return "", "it was built without a stamp (as by -buildvcs=false), and does not lie in its source tree"
			}
			if newer := newerThan(dir, built); newer != "" {
				return "", "it was built without a stamp (as by -buildvcs=false), and " + newer + " is newer than it"
			}
			return dir, ""
		}
		if dir == filepath.Dir(dir) {
			return "", "it was built without a stamp (as by -buildvcs=false), and does not lie in its source tree"
		}
	}
}

// moduleLine is how this module's go.mod begins.
func moduleLine() string {
	path := "numasched"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != "" {
		path = info.Main.Path
	}
	return "module " + path + "\n"
}

// newerThan returns a source file of the tree that was changed after then, or "".
// Tests are no part of the program.
func newerThan(tree string, then time.Time) (newer string) {
	for _, s := range sources {
		filepath.WalkDir(filepath.Join(tree, s), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && d.Name() == "testdata" {
				return fs.SkipDir
			}
			if d.IsDir() || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			if info, err := d.Info(); err == nil && info.ModTime().After(then) {
				newer, _ = filepath.Rel(tree, path)
				return fs.SkipAll
			}
			return nil
		})
	}
	return newer
}

// askGit returns the commit that is checked out in tree, and whether sources
// differ from it. Files outside of the sources do not count.
func askGit(tree string) (head string, modified bool, err error) {
	git := func(args ...string) (string, error) {
		cmd := exec.Command("git", append([]string{"-C", tree}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0")
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			first, _, _ := strings.Cut(string(exit.Stderr), "\n")
			err = errors.New(first)
		}
		return strings.TrimSpace(string(out)), err
	}
	if head, err = git("rev-parse", "HEAD"); err != nil {
		return "", false, err
	}
	status, err := git(append([]string{"status", "--porcelain", "--"}, sources...)...)
	return head, status != "", err
}
