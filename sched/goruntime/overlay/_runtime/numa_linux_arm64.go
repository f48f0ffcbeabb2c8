package runtime

const (
	numaSysSetaffinity  = 122
	numaSysGetcpu       = 168
	numaSysGetMempolicy = 236
	numaSysSetMempolicy = 237
	numaSysMigratePages = 238
)
