package scenario

import (
	"os"
	"path/filepath"
	"testing"
)

func studies(t *testing.T) []string {
	files, err := filepath.Glob("studies/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no studies", err)
	}
	return files
}

// Every published study is a scenario that parses.
func TestStudiesParse(t *testing.T) {
	for _, file := range studies(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(file, data); err != nil {
			t.Error(err)
		}
	}
}
