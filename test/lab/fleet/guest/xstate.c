/*
 * For a guest's kernel on a processor with a larger register state than it knows of (AMX): the machine's kernel takes that
 * state as a whole only (arch/x86/kernel/fpu/regset.c, xstateregs_set), and user-mode Linux hands over the part that it
 * has read. What it leaves out is put back as it is.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NT_X86_XSTATE 0x202

static char whole[1 << 16];

long ptrace(enum __ptrace_request request, ...)
{
	va_list rest;
	va_start(rest, request);
	pid_t pid = va_arg(rest, pid_t);
	void *addr = va_arg(rest, void *);
	void *data = va_arg(rest, void *);
	va_end(rest);

	if (request == PTRACE_SETREGSET && (long)addr == NT_X86_XSTATE) {
		const struct iovec *part = data;
		struct iovec all = { whole, sizeof(whole) };
		if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, addr, &all) < 0)
			return -1;
		memcpy(whole, part->iov_base, part->iov_len < all.iov_len ? part->iov_len : all.iov_len);
		return syscall(SYS_ptrace, request, pid, addr, &all);
	}
	if (request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER) {
		/* the system call writes what the C library's function returns */
		long word;
		return syscall(SYS_ptrace, request, pid, addr, &word) < 0 ? -1 : word;
	}
	return syscall(SYS_ptrace, request, pid, addr, data);
}
