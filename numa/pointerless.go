package numa

import (
	"fmt"
	"reflect"
)

// checkPointerless returns an error if T cannot live outside Go's heap.
func checkPointerless[T any]() error {
	t := reflect.TypeFor[T]()
	if path, kind := pointerIn(t, ""); kind != reflect.Invalid {
		where := "it is"
		if path != "" {
			where = "its field " + path[1:] + " is"
		}
		return fmt.Errorf("numa: %v cannot lie outside Go's heap: %s a %v, which points into that heap, and the garbage collector would not see it", t, where, kind)
	}
	return nil
}

// pointerIn returns where the first pointer of a type is, and what it is.
func pointerIn(t reflect.Type, path string) (string, reflect.Kind) {
	switch t.Kind() {
	case reflect.Array:
		if t.Len() > 0 {
			return pointerIn(t.Elem(), path+".[]")
		}
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if p, kind := pointerIn(f.Type, path+"."+f.Name); kind != reflect.Invalid {
				return p, kind
			}
		}
	case reflect.Pointer, reflect.UnsafePointer, reflect.Map, reflect.Chan, reflect.Func,
		reflect.Slice, reflect.String, reflect.Interface:
		return path, t.Kind()
	}
	return "", reflect.Invalid
}

// sizeOf returns the size of a T in bytes without making one.
func sizeOf[T any]() int { return int(reflect.TypeFor[T]().Size()) }
