#include "textflag.h"

// func rdpid() uint32
TEXT ·rdpid(SB), NOSPLIT, $0-4
	RDPID	AX
	MOVL	AX, ret+0(FP)
	RET

// 0x7b is segment 15 (GDT_ENTRY_CPUNODE) at user privilege. LSL of a segment
// that is missing does not fault; it leaves AX as it was.
//
// func lsl() uint32
TEXT ·lsl(SB), NOSPLIT, $0-4
	MOVL	$0x7b, CX
	MOVL	$-1, AX
	LSLL	CX, AX
	MOVL	AX, ret+0(FP)
	RET

// func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL	leaf+0(FP), AX
	MOVL	subleaf+4(FP), CX
	CPUID
	MOVL	AX, eax+8(FP)
	MOVL	BX, ebx+12(FP)
	MOVL	CX, ecx+16(FP)
	MOVL	DX, edx+20(FP)
	RET
