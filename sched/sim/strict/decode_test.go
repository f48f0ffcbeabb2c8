package strict

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A span decodes itself.
type span time.Duration

func (s *span) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		return fmt.Errorf("%s: want a string such as \"1.5s\"", data)
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%s: want a string such as \"1.5s\"", data)
	}
	*s = span(v)
	return nil
}

func (s span) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).String()) }

type inner struct {
	Word string `json:"word"`
}

type everything struct {
	inner
	Place
	Float   float64            `json:"float"`
	Small   uint8              `json:"small"`
	Yes     bool               `json:"yes"`
	When    time.Time          `json:"when"`
	Span    span               `json:"span"`
	List    []string           `json:"list"`
	Pair    [2]int             `json:"pair"`
	Map     map[string]float64 `json:"map"`
	To      *inner             `json:"to"`
	Raw     json.RawMessage    `json:"raw"`
	Any     any                `json:"any"`
	Later   string             `json:"later,omitempty"`
	Private string             `json:"-"`
}

type Place struct {
	At int `json:"at"`
}

// Every wrong value is said with its place (§) and what was expected.
func TestWrongValues(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`§[]`, `a list: want an object`},
		{`{§"colour": 1}`, `unknown field "colour": want word, at, float, small, yes, when, span, list, pair, map, to, raw, any, later`},
		{`{§"Float": 1}`, `unknown field "Float"`},
		{`{§"-": "x"}`, `unknown field "-"`},
		{`{§"Private": "x"}`, `unknown field "Private"`},
		{`{"at": 1, §"at": 1}`, `field "at" is there twice`},
		{`{"at": §1.5}`, `at: 1.5: want an integer`},
		{`{"float": §"1"}`, `float: "1": want a number`},
		{`{"float": §1e400}`, `float: 1e400: want a number of 64 bits`},
		{`{"float": §null}`, `float: null: want a number`},
		{`{"small": §-1}`, `small: -1: want an integer from 0 on`},
		{`{"small": §256}`, `small: 256: want an integer from 0 on of 8 bits`},
		{`{"yes": §0}`, `yes: 0: want true or false`},
		{`{"when": §"yesterday"}`, `when: "yesterday": want a time as in "2006-01-02T15:04:05Z"`},
		{`{"when": §5}`, `when: 5: want a time as in`},
		{`{"when": §null}`, `when: null: want a time as in`},
		{`{"when": §{}}`, `when: an object: want a time as in`},
		{`{"span": §5}`, `span: 5: want a string such as "1.5s"`},
		{`{"span": §"5"}`, `span: "5": want a string such as "1.5s"`},
		{`{"span": §[1]}`, `span: a list: want a string such as`},
		{`{"list": §null}`, `list: null: want a list`},
		{`{"list": ["a", §null]}`, `list: null: want a string`},
		{`{"pair": [1, 2, §3]}`, `pair: want 2 values, not more`},
		{`{"pair": [1§]}`, `pair: want 2 values, not 1`},
		{`{"map": {"x": §"y"}}`, `x: "y": want a number`},
		{`{"to": §null}`, `to: null: want an object`},
		{`{"to": {"word": §5}}`, `word: 5: want a string`},
		{`{} §{}`, `'{': want nothing after the value`},
	} {
		before, after, _ := strings.Cut(c.text, "§")
		want := fmt.Sprintf("x.json:1:%d: %s", len(before)+1, c.want)
		if err := Decode("x.json", []byte(before+after), new(everything)); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q\n\tgives %v\n\twant  %s", c.text, err, want)
		}
	}
}

// What encoding/json writes is read back: with nulls for what is empty only where that is said.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	full := everything{Place: Place{7}, Float: 1e-300, Small: 255, Yes: true, When: time.Unix(1e9, 0).UTC(), Span: span(90 * time.Second),
		List: []string{"a"}, Pair: [2]int{1, 2}, Map: map[string]float64{"x": 0.1}, To: &inner{"w"}, Raw: json.RawMessage(`{"free":[null]}`), Any: map[string]any{"free": []any{nil, "x"}}, Later: "l"}
	for i, v := range []everything{full, {When: full.When, Raw: json.RawMessage(`1`)}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back everything
		if err := DecodeWritten("x.json", text, &back); err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%s\n\tis read as %+v, %v", text, back, err)
		}
		if err := Decode("x.json", text, new(everything)); err == nil != (i == 0) {
			t.Errorf("%s\n\tDecode: %v", text, err)
		}
	}
}

// Null stands where encoding/json writes it for something empty, and nowhere else: the reader of
// a list of pointers, or of a whole file, expects to find what they point to.
func TestNullWhereNothingEmptyIs(t *testing.T) {
	type file struct {
		To    *inner            `json:"to"`
		Many  []*inner          `json:"many"`
		Named map[string]*inner `json:"named"`
		Lists [][]string        `json:"lists"`
	}
	for _, c := range []struct{ text, want string }{
		{`§null`, `null: want an object`},
		{`{"many": [{"word": "a"}, §null]}`, `many: null: want an object`},
		{`{"named": {"a": §null}}`, `a: null: want an object`},
		{`{"to": {"word": §null}}`, `word: null: want a string`},
	} {
		before, after, _ := strings.Cut(c.text, "§")
		want := fmt.Sprintf("x.json:1:%d: %s", len(before)+1, c.want)
		if err := DecodeWritten("x.json", []byte(before+after), new(file)); err == nil || err.Error() != want {
			t.Errorf("%s\n\tgives %v\n\twant  %s", c.text, err, want)
		}
	}
	whole := `{"to": null, "many": null, "named": null, "lists": [null, ["a"]]}`
	if err := DecodeWritten("x.json", []byte(whole), new(file)); err != nil {
		t.Errorf("%s: %v", whole, err)
	}
}

// An error of encoding/json gets its place, too.
func TestLocated(t *testing.T) {
	for text, want := range map[string]string{
		"{\n\"yes\": \"x\"}": "x.json:2:10: yes: string: want true or false",
		"{\n\"at\": x}":      "x.json:2:7: 'x': want a value",
	} {
		err := json.Unmarshal([]byte(text), new(everything))
		if err = Located("x.json", []byte(text), err); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if err := Located("x.json", []byte("{}"), errors.New("odd")); err.Error() != "x.json:1:1: odd" {
		t.Error(err)
	}
}
