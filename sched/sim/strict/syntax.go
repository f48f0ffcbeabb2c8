package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

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
