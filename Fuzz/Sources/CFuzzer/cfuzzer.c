#define _GNU_SOURCE
#include "cfuzzer.h"

#include <sys/mman.h>

int tibet_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }
