package runtime

const (
	numaSysSetaffinity  = 122
	numaSysGetcpu       = 168
	numaSysGetMempolicy = 236
	numaSysSetMempolicy = 237
	numaSysMovePages    = 239
	numaSysMigratePages = 238
	numaSysMbind        = 235
)
