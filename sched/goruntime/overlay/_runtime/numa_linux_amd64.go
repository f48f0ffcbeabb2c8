package runtime

const (
	numaSysSetaffinity  = 203
	numaSysSetMempolicy = 238
	numaSysGetMempolicy = 239
	numaSysGetcpu       = 309
	numaSysMigratePages = 256
)
