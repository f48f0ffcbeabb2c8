package usage

import (
	"errors"
	"io/fs"
	"testing"
)

// What is made the user's mistake still says the same, and is what it was.
func TestWrongIsTheSameErrorAsAUsersMistake(t *testing.T) {
	for _, err := range []error{Wrong(fs.ErrNotExist), Errorf("%w", fs.ErrNotExist)} {
		if !errors.As(err, new(Error)) || !errors.Is(err, fs.ErrNotExist) || err.Error() != fs.ErrNotExist.Error() {
			t.Errorf("%#v is not an Error that wraps %q", err, fs.ErrNotExist)
		}
	}
}
