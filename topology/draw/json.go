package draw

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"numasched/topology"
)

// JSON writes all that is known of t, one line a field, so that files can be compared by eye.
func JSON(w io.Writer, t *topology.Topology) error {
	compact, err := json.Marshal(t.Report())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("{\n")
	d := json.NewDecoder(bytes.NewReader(compact))
	d.Token() // the brace
	for i := 0; d.More(); i++ {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, " %q: %s", key, value)
	}
	b.WriteString("\n}\n")
	_, err = w.Write(b.Bytes())
	return err
}
