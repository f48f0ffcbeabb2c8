// Package strict reads JSON that people write and programs keep, and says what is wrong with
// it: one line with the file, the line and the column, what is there, and what was expected.
//
// encoding/json is lenient. It takes fields that it does not know, fields twice, and names in
// another case, and it does not say where a wrong value is. So [Decode] first goes through the
// text and, in step, through the type that it is decoded into. What it lets pass is then
// decoded by encoding/json.
//
//	err := strict.Decode("x.json", data, &preset)
//	// x.json:12:3: unknown field "colour": want name, doc, like, topology
//
// A type that decodes itself (json.Unmarshaler) says what it wants in its error, after
// ": want ".
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Decode decodes JSON into v, a pointer to a struct. Unlike encoding/json it refuses unknown
// fields (case matters), repeated fields, nulls, and anything after the value. An error is
// one line: file, line, column, what is there and what was expected.
func Decode(name string, data []byte, v any) error { return decode(name, data, v, false) }

// DecodeWritten is Decode for what encoding/json has written of a struct: a field that is a list,
// a map or a pointer may be null, and so may a list or a map in a list or a map. The whole file
// may not be null. Neither may an item of a list of pointers: whoever reads it follows them.
func DecodeWritten(name string, data []byte, v any) error { return decode(name, data, v, true) }

func decode(name string, data []byte, v any, nulls bool) error {
	at, err := syntax(data)
	if err == nil {
		w := &walk{dec: json.NewDecoder(bytes.NewReader(data)), data: data, nulls: nulls}
		w.dec.UseNumber()
		if err = w.value(reflect.TypeOf(v), "", false); err == nil {
			err = json.Unmarshal(data, v)
		}
		at = w.at
	}
	if err != nil {
		return Where(name, data, at, err)
	}
	return nil
}

// walk goes through JSON and, in step, through the type that it is decoded
// into. encoding/json does not say where an unknown field is, nor where a value is
// that an Unmarshaler refuses.
type walk struct {
	dec   *json.Decoder
	data  []byte
	at    int64 // where the error is
	nulls bool  // are allowed where encoding/json writes them
}

// next is the offset of the next value, key or end.
func (w *walk) next() int64 {
	at := w.dec.InputOffset()
	for at < int64(len(w.data)) && strings.IndexByte(" \t\r\n:,", w.data[at]) >= 0 {
		at++
	}
	return at
}

// token reads a token and notes where it is.
func (w *walk) token() (json.Token, error) {
	w.at = w.next()
	return w.dec.Token()
}

// value reads one value that goes into a t; a nil t accepts anything. field is the
// name of the field that the value belongs to. isField is set if the value is the field's
// whole value: then a pointer may be null where nulls are allowed.
func (w *walk) value(t reflect.Type, field string, isField bool) error {
	mayBeNull := false
	for ; t != nil && t.Kind() == reflect.Pointer; t = t.Elem() {
		mayBeNull = isField
	}
	if t == reflect.TypeFor[json.RawMessage]() || t != nil && t.Kind() == reflect.Interface {
		t = nil
	}
	tok, err := w.token()
	if err != nil {
		return err
	}
	at := w.at
	if t != nil && tok == nil && w.nulls && (mayBeNull || t.Kind() == reflect.Slice || t.Kind() == reflect.Map) {
		return nil
	}
	if t != nil {
		want := ""
		if u, ok := reflect.New(t).Interface().(json.Unmarshaler); ok {
			want = refused(u, tok)
			t = nil
		} else {
			want = wrongKind(tok, t)
		}
		if want != "" {
			if field != "" {
				field += ": "
			}
			return fmt.Errorf("%s%s: want %s", field, describe(tok), want)
		}
	}
	switch tok {
	case json.Delim('['):
		n := 0
		for ; w.dec.More(); n++ {
			var elem reflect.Type
			if t != nil {
				elem = t.Elem()
				if t.Kind() == reflect.Array && n == t.Len() {
					w.at = w.next()
					return fmt.Errorf("%s: want %d values, not more", field, n)
				}
			}
			if err := w.value(elem, field, false); err != nil {
				return err
			}
		}
		if _, err = w.token(); err == nil && t != nil && t.Kind() == reflect.Array && n < t.Len() {
			return fmt.Errorf("%s: want %d values, not %d", field, t.Len(), n)
		}
	case json.Delim('{'):
		seen := map[string]bool{}
		for w.dec.More() {
			key, err := w.token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			ft, ok := fieldType(t, name)
			if !ok {
				return fmt.Errorf("unknown field %q: want %s", name, strings.Join(fieldNames(t), ", "))
			}
			if seen[name] {
				return fmt.Errorf("field %q is there twice", name)
			}
			seen[name] = true
			if err := w.value(ft, name, t != nil && t.Kind() == reflect.Struct); err != nil {
				return err
			}
		}
		_, err = w.token()
	}
	if err == nil && tok != json.Delim('[') && tok != json.Delim('{') {
		w.at = at
	}
	return err
}

// refused returns what a type that decodes itself expects, or "" if it takes tok. Of a list or
// an object it sees an empty one.
func refused(u json.Unmarshaler, tok json.Token) string {
	text := []byte("null")
	switch tok := tok.(type) {
	case json.Delim:
		text = map[json.Delim][]byte{'{': []byte("{}"), '[': []byte("[]")}[tok]
	case json.Number:
		text = []byte(tok)
	case string:
		text, _ = json.Marshal(tok) // a string has a JSON form
	case bool:
		text = strconv.AppendBool(nil, tok)
	}
	err := u.UnmarshalJSON(text)
	_, isTime := u.(*time.Time)
	if isTime && (err != nil || tok == nil) {
		return `a time as in "2006-01-02T15:04:05Z"`
	}
	if err == nil {
		return ""
	}
	if _, want, ok := strings.Cut(err.Error(), ": want "); ok {
		return want
	}
	return "another value: " + err.Error()
}

// kinds says in words what a kind of type expects.
func kinds(k reflect.Kind) string {
	switch k {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return "an integer from 0 on"
	}
	return "an integer"
}

// wrongKind returns what type t expects, or "" if a value of type t can begin with tok.
func wrongKind(tok json.Token, t reflect.Type) string {
	ok, want := false, kinds(t.Kind())
	number, isNumber := tok.(json.Number)
	switch want {
	case "an object":
		ok = tok == json.Delim('{')
	case "a list":
		ok = tok == json.Delim('[')
	case "a string":
		_, ok = tok.(string)
	case "true or false":
		_, ok = tok.(bool)
	case "a number":
		v, err := strconv.ParseFloat(string(number), t.Bits())
		if ok = isNumber && err == nil && !math.IsInf(v, 0); isNumber && !ok {
			want += fmt.Sprintf(" of %d bits", t.Bits())
		}
	default:
		_, err := strconv.ParseInt(string(number), 10, t.Bits())
		if want != "an integer" {
			_, err = strconv.ParseUint(string(number), 10, t.Bits())
		}
		if errors.Is(err, strconv.ErrRange) {
			want += fmt.Sprintf(" of %d bits", t.Bits())
		}
		ok = isNumber && err == nil
	}
	if ok {
		return ""
	}
	return want
}

// describe returns a token as an error quotes it.
func describe(tok json.Token) string {
	switch tok := tok.(type) {
	case nil:
		return "null"
	case json.Delim:
		return map[json.Delim]string{'{': "an object", '[': "a list"}[tok]
	case string:
		return strconv.Quote(tok)
	}
	return fmt.Sprint(tok)
}

// fieldType returns the type of the value that belongs to a key in a t.
func fieldType(t reflect.Type, key string) (reflect.Type, bool) {
	switch {
	case t == nil:
		return nil, true
	case t.Kind() == reflect.Map:
		return t.Elem(), true
	}
	for _, f := range reflect.VisibleFields(t) {
		if FieldName(f) == key {
			return f.Type, true
		}
	}
	return nil, false
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		if name := FieldName(f); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// FieldName returns the key of a field, or "" if it has none: an embedded struct has those of
// its fields, and a field without a tag is none of the file's.
func FieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" || !f.IsExported() {
		return ""
	}
	return name
}
