package policy

import "embed"

// texts are this package's files. This one is no part of the policy: it alone imports
// something, and it is the only one that does not go into Go's runtime.
//
//go:embed *.go
var texts embed.FS

// Source returns the files of the policy by name, as they are written. Package
// sched/goruntime compiles them into Go's own runtime.
func Source() map[string][]byte {
	files := map[string][]byte{}
	entries, _ := texts.ReadDir(".") // an embedded folder can be read
	for _, e := range entries {
		name := e.Name()
		if n := len(name); name == "source.go" || n > 8 && name[n-8:] == "_test.go" {
			continue
		}
		files[name], _ = texts.ReadFile(name)
	}
	return files
}
