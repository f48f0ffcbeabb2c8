package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// DecodeStrict decodes JSON into v, a pointer to a struct. Unlike encoding/json it
// refuses unknown fields (case matters), repeated fields, nulls, and anything after
// the value. An error is one line: file, line, column, what is there and what was
// expected.
func DecodeStrict(name string, data []byte, v any) error {
	at, err := syntax(data)
	if err == nil {
		w := &strictWalk{dec: json.NewDecoder(bytes.NewReader(data)), data: data}
		w.dec.UseNumber()
		if err = w.value(reflect.TypeOf(v), ""); err == nil {
			err = json.Unmarshal(data, v)
		}
		at = w.at
	}
	if err != nil {
		return Where(name, data, at, err)
	}
	return nil
}

// syntax returns what is wrong with data that is not JSON, and where.
func syntax(data []byte) (at int64, err error) {
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return 0, errors.New("a byte order mark: want JSON in UTF-8 without one")
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return 0, errors.New("nothing: want a JSON object")
	}
	var raw json.RawMessage
	var bad *json.SyntaxError
	if err = json.Unmarshal(data, &raw); !errors.As(err, &bad) {
		return 0, err
	}
	if strings.HasSuffix(bad.Error(), "end of JSON input") {
		return int64(len(data)), errors.New("the file ends in the middle of a value")
	}
	at = bad.Offset - 1
	there := strings.TrimPrefix(bad.Error(), "invalid character ")
	// What package json was reading is the end of its message.
	before := bytes.TrimRight(data[:at], " \t\r\n")
	if c := data[at]; (c == '}' || c == ']') && bytes.HasSuffix(before, []byte(",")) {
		return int64(len(before)) - 1, fmt.Errorf("a comma before %q: want none after the last of a list or an object", string(c))
	}
	char, reading, _ := strings.Cut(there, "' ")
	char += "'"
	if c := data[at]; c == '/' || c == '#' {
		return at, fmt.Errorf("%s: want no comments: JSON has none", char)
	}
	want := "JSON: " + bad.Error() // of a later Go, perhaps
	for end, text := range map[string]string{
		"after top-level value":                      "nothing after the value",
		"looking for beginning of value":             "a value: a number, a string in double quotes, true, false, a list or an object",
		"looking for beginning of object key string": "the name of a field, in double quotes",
		"after object key":                           "a colon after the name of the field",
		"after object key:value pair":                "a comma or } after the field",
		"after array element":                        "a comma or ] after the value",
		"in string literal":                          "a string that ends in its line, without control characters",
		"in string escape code":                      `one of \" \\ \/ \b \f \n \r \t \u after a backslash`,
		"in \\u hexadecimal character escape":        "four hexadecimal digits after \\u",
		"in numeric literal":                         "a digit",
		"after decimal point in numeric literal":     "a digit after the point",
		"in exponent of numeric literal":             "a decimal number without exponent",
	} {
		if reading == end {
			want = text
		}
	}
	if strings.HasPrefix(reading, "in literal ") {
		want = "true or false"
	}
	return at, fmt.Errorf("%s: want %s", char, want)
}

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
	w := &strictWalk{dec: json.NewDecoder(bytes.NewReader(data)), data: data}
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

// strictWalk goes through JSON and, in step, through the type that it is decoded
// into. encoding/json does not say where an unknown field is, nor where a value is
// that an Unmarshaler refuses.
type strictWalk struct {
	dec  *json.Decoder
	data []byte
	at   int64 // where the error is
}

// next is the offset of the next value, key or end.
func (w *strictWalk) next() int64 {
	at := w.dec.InputOffset()
	for at < int64(len(w.data)) && strings.IndexByte(" \t\r\n:,", w.data[at]) >= 0 {
		at++
	}
	return at
}

// token reads a token and notes where it is.
func (w *strictWalk) token() (json.Token, error) {
	w.at = w.next()
	return w.dec.Token()
}

// value reads one value that goes into a t; a nil t accepts anything. field is the
// name of the field that the value belongs to.
func (w *strictWalk) value(t reflect.Type, field string) error {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		t = nil
	}
	tok, err := w.token()
	if err != nil {
		return err
	}
	at := w.at
	if t != nil {
		if want := wrongKind(tok, t); want != "" {
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
			if err := w.value(elem, field); err != nil {
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
			if err := w.value(ft, name); err != nil {
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

// wrongKind returns what type t expects, or "" if a value of type t can begin with tok.
func wrongKind(tok json.Token, t reflect.Type) string {
	if u, ok := reflect.New(t).Interface().(json.Unmarshaler); ok {
		if n, ok := tok.(json.Number); ok {
			if err := u.UnmarshalJSON([]byte(n)); err != nil {
				_, want, _ := strings.Cut(err.Error(), ": want ")
				return want
			}
			return ""
		}
		return "a decimal number without quotes"
	}
	var ok bool
	want := ""
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		ok, want = tok == json.Delim('{'), "an object"
	case reflect.Slice, reflect.Array:
		ok, want = tok == json.Delim('['), "a list"
	case reflect.String:
		_, ok = tok.(string)
		want = "a string"
	case reflect.Bool:
		_, ok = tok.(bool)
		want = "true or false"
	default:
		n, number := tok.(json.Number)
		_, err := strconv.ParseInt(string(n), 10, t.Bits())
		want = "an integer"
		if t.Kind() == reflect.Uint64 {
			_, err = strconv.ParseUint(string(n), 10, t.Bits())
			want = "an integer from 0 on"
		}
		if errors.Is(err, strconv.ErrRange) {
			want += fmt.Sprintf(" of %d bits", t.Bits())
		}
		ok = number && err == nil
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
	for i := range t.NumField() {
		if jsonName(t.Field(i)) == key {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name := jsonName(t.Field(i)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// jsonName returns the key of a field, or "" if it has none.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
