package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Where puts the file, line and column of an offset in front of an error.
func Where(name string, data []byte, at int64, err error) error {
	at = max(0, min(at, int64(len(data))))
	before := data[:at]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Errorf("%s:%d:%d: %w", name, line, len(before)-bytes.LastIndexByte(before, '\n'), err)
}

// Locate returns the offset of the value that a path leads to in data, which is valid
// JSON. A path consists of field names (string) and positions in lists (int). If it
// leads nowhere, Locate returns the offset of the last value on the way.
func Locate(data []byte, path ...any) int64 {
	w := &walk{dec: json.NewDecoder(bytes.NewReader(data)), data: data}
	for {
		at := w.next()
		if len(path) == 0 {
			return at
		}
		tok, err := w.dec.Token()
		if _, isList := path[0].(int); err != nil || isList && tok != json.Delim('[') || !isList && tok != json.Delim('{') {
			return at
		}
		found := false
		for i := 0; !found && w.dec.More(); i++ {
			var key any = i
			if tok == json.Delim('{') {
				key, _ = w.dec.Token()
			}
			if found = key == path[0]; !found {
				var skip json.RawMessage
				if w.dec.Decode(&skip) != nil {
					return at
				}
			}
		}
		if !found {
			return at
		}
		path = path[1:]
	}
}

// Located puts the file, line and column in front of an error of encoding/json about data.
func Located(name string, data []byte, err error) error {
	if at, syntax := syntax(data); syntax != nil {
		return Where(name, data, at, syntax)
	}
	at := int64(0)
	if typed := new(json.UnmarshalTypeError); errors.As(err, &typed) {
		at = typed.Offset - 1
		err = fmt.Errorf("%s: want %s", typed.Value, kinds(typed.Type.Kind()))
		if typed.Field != "" { // not the whole file
			err = fmt.Errorf("%s: %w", typed.Field, err)
		}
	}
	return Where(name, data, at, err)
}

// Check returns an error unless data is JSON. It is for those who must know one field before
// they know which others there may be.
func Check(name string, data []byte) error {
	if at, err := syntax(data); err != nil {
		return Where(name, data, at, err)
	}
	return nil
}
