// Package cgroup finds the control groups of a process in a tree of /proc and /sys,
// that is, the directories whose files limit the process.
//
// A controller (cpuset, cpu, memory) is mounted in one of three ways, and a
// machine may use several of them at once:
//
//   - Version 2 has one hierarchy with all controllers. The process's path in it
//     is the line "0::" of /proc/self/cgroup.
//   - Version 1 has several hierarchies, each with one controller or a few
//     ("cpu,cpuacct"), and a line of /proc/self/cgroup for each.
//   - The cpuset file system, older than both, has cpusets alone.
//
// A limit of a group holds for the groups below it, so a limit may be in the process's
// own group or in any group above. A container often sees its host's path in
// /proc/self/cgroup and mounts only its own group, at the mount point. So [Up] goes
// all the way to the mount point.
//
// Sources: Linux, Documentation/admin-guide/cgroup-v1, cgroup-v2.rst; cgroups(7),
// cpuset(7).
package cgroup

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A Mount is a place where control groups are mounted.
type Mount struct {
	Dir         string   // relative to the root, such as "sys/fs/cgroup/cpuset"
	V2          bool     // version 2, which has all controllers
	Controllers []string // of version 1
	NoPrefix    bool     // the files of a cpuset are "cpus" and "mems", without "cpuset."
}

// Has reports whether a controller's files may be in the mount.
func (m Mount) Has(controller string) bool {
	return m.V2 || slices.Contains(m.Controllers, controller)
}

// maxMounts bounds what ParseMounts returns: a machine has a dozen.
const maxMounts = 64

// ParseMounts returns the mounts of control groups that a /proc/mounts lists.
func ParseMounts(b []byte) []Mount {
	var mounts []Mount
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) < 4 || len(mounts) == maxMounts {
			continue
		}
		dir := strings.TrimPrefix(path.Clean("/"+unescape(string(f[1]))), "/")
		if dir == "" {
			continue
		}
		options := strings.Split(string(f[3]), ",")
		switch string(f[2]) {
		case "cgroup2":
			mounts = append(mounts, Mount{Dir: dir, V2: true})
		case "cpuset":
			mounts = append(mounts, Mount{Dir: dir, Controllers: []string{"cpuset"}, NoPrefix: true})
		case "cgroup":
			// Options of the mount and controllers stand in one list, and no option
			// has a controller's name.
			mounts = append(mounts, Mount{Dir: dir, Controllers: options, NoPrefix: slices.Contains(options, "noprefix")})
		}
	}
	return mounts
}

// unescape undoes the octal escapes of white space in /proc/mounts.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// Paths holds where a process is in each hierarchy. The zero value knows nothing.
type Paths struct {
	Unified string            // in version 2; "" if unknown
	V1      map[string]string // by controller
}

// ParsePaths reads a /proc/self/cgroup.
func ParsePaths(b []byte) Paths {
	p := Paths{V1: map[string]string{}}
	for line := range bytes.Lines(b) {
		id, rest, _ := strings.Cut(strings.Trim(string(line), " \t\r\n\x00"), ":")
		controllers, dir, ok := strings.Cut(rest, ":")
		if !ok || !strings.HasPrefix(dir, "/") {
			continue
		}
		dir = path.Clean(dir)
		if controllers == "" {
			if id == "0" {
				p.Unified = dir
			}
			continue
		}
		for _, c := range strings.Split(controllers, ",") {
			p.V1[c] = dir
		}
	}
	return p
}

// In returns the process's path in the hierarchy that m mounts for a controller, or ""
// if it is unknown. If there is no line of version 2, the path of version 1 stands
// for it: some gathered trees are like that.
func (p Paths) In(m Mount, controller string) string {
	if m.V2 && p.Unified != "" {
		return p.Unified
	}
	return p.V1[controller]
}

// Up returns a group's path and those of the groups above it, up to "/", which is
// the mount point itself.
func Up(group string) []string {
	var up []string
	for group = path.Clean("/" + group); group != "/" && len(up) < 64; group = path.Dir(group) {
		up = append(up, group)
	}
	return append(up, "/")
}

// A Dir is a directory that may hold files of a controller.
type Dir struct {
	Path string // relative to the root
	V2   bool
}

// Dirs returns the directories that may hold a controller's limits for the process of
// proc/self: for each mount, the process's own group, then those above it. Some of the
// directories may not exist.
func Dirs(fsys fs.FS, controller string) []Dir {
	read := func(name string) []byte {
		b, _ := fs.ReadFile(fsys, name)
		return b
	}
	mounts := ParseMounts(append(read("proc/self/mounts"), '\n'))
	if len(mounts) == 0 {
		mounts = ParseMounts(append(read("proc/mounts"), '\n'))
	}
	paths := ParsePaths(read("proc/self/cgroup"))
	var dirs []Dir
	for _, m := range append(mounts, usual(controller)...) {
		if !m.Has(controller) {
			continue
		}
		for _, group := range Up(paths.In(m, controller)) {
			d := Dir{path.Join(m.Dir, group), m.V2}
			if !slices.Contains(dirs, d) {
				dirs = append(dirs, d)
			}
		}
	}
	return dirs
}

// usual returns where distributions mount a controller. Some trees do not list their
// mounts.
func usual(controller string) []Mount {
	list := []string{controller}
	mounts := []Mount{{Dir: "sys/fs/cgroup", V2: true}, {Dir: "sys/fs/cgroup/unified", V2: true}, {Dir: "sys/fs/cgroup/" + controller, Controllers: list}}
	switch controller {
	case "cpu", "cpuacct":
		mounts = append(mounts, Mount{Dir: "sys/fs/cgroup/cpu,cpuacct", Controllers: list}, Mount{Dir: "sys/fs/cgroup/cpuacct,cpu", Controllers: list})
	case "cpuset":
		mounts = append(mounts, Mount{Dir: "dev/cpuset", Controllers: list, NoPrefix: true})
	}
	return mounts
}
