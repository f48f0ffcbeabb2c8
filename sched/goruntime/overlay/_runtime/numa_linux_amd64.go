package runtime

const (
	numaSysSetaffinity  = 203
	numaSysSetMempolicy = 238
	numaSysGetMempolicy = 239
	numaSysGetcpu       = 309
	numaSysMovePages    = 279
	numaSysMigratePages = 256
	numaSysMbind        = 237
)
