package sim

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
)

// LineColumn turns a byte offset of data into a line and a column, from 1 on.
func LineColumn(data []byte, at int64) (line, col int) {
	if at > int64(len(data)) {
		at = int64(len(data))
	}
	before := data[:max(at, 0)]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, len(before) - bytes.LastIndexByte(before, '\n')
}

// unknownField returns the offset of the first key called field at a place
// where v's type has no such field, and the fields that it has. encoding/json names
// the key, not the place.
func unknownField(data []byte, v any, field string) (at int64, want []string) {
	w := &keyWalk{dec: json.NewDecoder(bytes.NewReader(data)), field: field, at: -1}
	w.value(reflect.TypeOf(v))
	if w.at < 0 {
		return int64(bytes.Index(data, []byte(field))), nil
	}
	// The offset is the end of the key.
	return w.at - int64(len(field)) - 2, w.want
}

type keyWalk struct {
	dec   *json.Decoder
	field string
	at    int64
	want  []string // the fields of what has no such field
}

// value reads one value that goes into a t; nil is anything.
func (w *keyWalk) value(t reflect.Type) {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	tok, err := w.dec.Token()
	if err != nil || w.at >= 0 {
		return
	}
	delim, _ := tok.(json.Delim)
	switch delim {
	case '[':
		var elem reflect.Type
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			elem = t.Elem()
		}
		for w.at < 0 && w.dec.More() {
			w.value(elem)
		}
		w.dec.Token()
	case '{':
		for w.at < 0 && w.dec.More() {
			key, err := w.dec.Token()
			if err != nil {
				return
			}
			name, _ := key.(string)
			ft, ok := fieldType(t, name)
			if !ok && name == w.field {
				w.at = w.dec.InputOffset()
				for i := range t.NumField() {
					w.want = append(w.want, jsonName(t.Field(i)))
				}
				return
			}
			w.value(ft)
		}
		w.dec.Token()
	}
}

// fieldType returns the type that the value of a key has in a t.
func fieldType(t reflect.Type, key string) (reflect.Type, bool) {
	switch {
	case t == nil:
		return nil, true
	case t.Kind() == reflect.Map:
		return t.Elem(), true
	case t.Kind() != reflect.Struct:
		return nil, true
	}
	for i := range t.NumField() {
		if strings.EqualFold(jsonName(t.Field(i)), key) {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		return f.Name
	}
	return name
}
