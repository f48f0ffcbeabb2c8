package numa

// Small objects come in size classes: every multiple of 16 up to 128 bytes, then
// eight steps for each doubling up to 8 KB, then a few up to 32 KB. With eight steps,
// rounding up wastes at most an eighth (6 % on average). There is no class 0.
const (
	maxSmall   = 32 << 10
	numClasses = 64 // a power of two, so that an index can be masked

	// largeClass marks blocks that hold one large object.
	largeClass = 255
)

// classSize is the size of each class in bytes; a multiple of 16.
var classSize = func() (size [numClasses]int32) {
	k := 1
	for s := int32(16); s <= 128; s += 16 {
		size[k] = s
		k++
	}
	for step := int32(16); step <= 512; step *= 2 {
		for i := int32(9); i <= 16; i++ {
			size[k] = i * step
			k++
		}
	}
	for _, s := range []int32{10 << 10, 12 << 10, 14 << 10, 16 << 10, 20 << 10, 24 << 10, 32 << 10} {
		size[k] = s
		k++
	}
	return size
}()

// The class of a size: fine steps up to 1 KB, coarse ones above.
var (
	fineClass   = classTable(1024/16+1, 16)
	coarseClass = classTable(maxSmall/128+1, 128)
)

func classTable(n, step int) []uint8 {
	table := make([]uint8, n)
	k := uint8(1)
	for i := range table {
		for int(classSize[k]) < i*step {
			k++
		}
		table[i] = k
	}
	return table
}

// classOf returns the class of a size from 0 to maxSmall.
func classOf(size int) int {
	if size <= 1024 {
		return int(fineClass[uint(size+15)>>4])
	}
	return int(coarseClass[uint(size+127)>>7])
}

// batchOf is how many objects of a class move at once: 8 KB worth, from 2 to
// a full magazine.
func batchOf(class int) int {
	return min(max((8<<10)/int(classSize[class]), 2), magazineSlots)
}

// spanBlocks is how many blocks a span of a class has: the smallest number that leaves
// at most a 32nd unused and holds at least four objects.
func spanBlocks(class int) int {
	size := int(classSize[class])
	for n := 1; ; n++ {
		if waste := n * blockBytes % size; waste*32 <= n*blockBytes && n*blockBytes/size >= 4 {
			return n
		}
	}
}
