package topology

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A Note is a fact about a machine that is unknown or had to be assumed.
type Note struct {
	Kind NoteKind
	File string // the file that the note is about, as a path below the root; "" if there is none
	Text string // what is wrong and what was done instead, for people
}

// A NoteKind says why there is a [Note].
type NoteKind string

const (
	NotThere     NoteKind = "not there"    // the file does not exist, so a fact is unknown
	Unreadable   NoteKind = "unreadable"   // the file exists and cannot be read, or only in part
	Malformed    NoteKind = "malformed"    // the file's text makes no sense
	Contradicted NoteKind = "contradicted" // two sources disagree, and one of them was believed
	Assumed      NoteKind = "assumed"      // a number comes from no source at all
	NotesDropped NoteKind = "dropped"      // there were too many notes to keep
)

// String returns the note as one line.
func (n Note) String() string {
	if n.File == "" {
		return n.Text
	}
	return n.File + ": " + n.Text
}

const maxNotes = 40

// note adds a note to Topology.Missing.
func (s *source) note(kind NoteKind, file, format string, args ...any) {
	if len(s.missing) == maxNotes {
		s.dropped++
		return
	}
	s.missing = append(s.missing, Note{kind, oneLine(file), oneLine(fmt.Sprintf(format, args...))})
}

func (s *source) notes() []Note {
	if s.dropped > 0 {
		return append(s.missing, Note{NotesDropped, "", fmt.Sprintf("... and %d more", s.dropped)})
	}
	return s.missing
}

// oneLine escapes the control characters of a message that quotes others.
func oneLine(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
