package numa

import "testing"

func TestEveryClassWastesAtMostAnEighthAndFitsItsSpan(t *testing.T) {
	for size := 129; size <= 8<<10; size++ {
		if got := int(classSize[classOf(size)]); got < size || (got-size)*8 > got {
			t.Fatalf("%d bytes are given %d", size, got)
		}
	}
	for size := 0; size <= maxSmall; size++ {
		k := classOf(size)
		if k < 1 || int(classSize[k]) < size || k > 1 && int(classSize[k-1]) >= size {
			t.Fatalf("%d bytes are given class %d of %d bytes", size, k, classSize[k])
		}
	}
	for k := 1; k < numClasses; k++ {
		if k > 1 && classSize[k] <= classSize[k-1] || classSize[k]%16 != 0 {
			t.Errorf("class %d has %d bytes after %d", k, classSize[k], classSize[k-1])
		}
		if n := spanBlocks(k); n >= blocksPerChunk {
			t.Errorf("class %d needs %d blocks", k, n)
		}
	}
	if classSize[numClasses-1] != maxSmall {
		t.Errorf("the last class has %d bytes", classSize[numClasses-1])
	}
}
