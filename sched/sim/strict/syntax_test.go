package strict

import (
	"fmt"
	"strings"
	"testing"
)

// Text that is no JSON is refused with the place (§) and what JSON wants there.
func TestBrokenJSON(t *testing.T) {
	type inner struct {
		N    int    `json:"n"`
		List []int  `json:"list"`
		Text string `json:"text"`
		Yes  bool   `json:"yes"`
	}
	for _, c := range []struct{ text, want string }{
		{"§", "nothing: want a JSON object"},
		{" § \n", "nothing: want a JSON object"},
		{"{\"n\": 1§", "the file ends in the middle of a value"},
		{"{\"n\": 1} §x", "'x': want nothing after the value"},
		{"{\"n\": 1§,}", `a comma before "}": want none after the last`},
		{"{\"list\": [1, 2§,\n ]}", `a comma before "]": want none after the last`},
		{"{\"list\": [§,1]}", "',': want a value"},
		{"{\"list\": [1, §,2]}", "',': want a value"},
		{"{§,\"n\": 1}", "',': want the name of a field, in double quotes"},
		{"{§n: 1}", "'n': want the name of a field, in double quotes"},
		{"{\"n\" §1}", "'1': want a colon after the name of the field"},
		{"{\"n\": 1 §\"text\": \"x\"}", `'"': want a comma or } after the field`},
		{"{\"list\": [1 §2]}", "'2': want a comma or ] after the value"},
		{"{\"n\": §NaN}", "'N': want a value: a number, a string in double quotes, true, false, a list or an object"},
		{"{\"n\": §'x'}", `'\'': want a value`},
		{"{\"n\": §+1}", "'+': want a value"},
		{"{\"n\": 0§1}", "'1': want a comma or } after the field"},
		{"{\"n\": -§x}", "'x': want a digit"},
		{"{\"n\": 1.§}", "'}': want a digit after the point"},
		{"{\"n\": 1e§x}", "'x': want a decimal number without exponent"},
		{"{\"yes\": t§ure}", "'u': want true or false"},
		{"{\"text\": \"a§\n\"}", `'\n': want a string that ends in its line`},
		{"{\"text\": \"a\\§x\"}", "'x': want one of "},
		{"{\"text\": \"\\u12§x4\"}", `'x': want four hexadecimal digits after \u`},
		{"{ §// what\n}", "'/': want no comments: JSON has none"},
		{"{\"n\": 1, §# what\n}", "'#': want no comments: JSON has none"},
	} {
		before, after, ok := strings.Cut(c.text, "§")
		if !ok {
			t.Fatalf("%q does not mark the place", c.text)
		}
		line, column := strings.Count(before, "\n")+1, len(before)-strings.LastIndex(before, "\n")
		if before+after == "" || strings.TrimSpace(before+after) == "" {
			line, column = 1, 1
		}
		want := fmt.Sprintf("x.json:%d:%d: %s", line, column, c.want)
		err := Decode("x.json", []byte(before+after), new(inner))
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q\n\tgives %v\n\twant  %s", c.text, err, want)
		}
	}
}
