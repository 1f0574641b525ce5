#ifndef TIBET_CFUZZER_H
#define TIBET_CFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// libFuzzer's own entry: runs `callback` until it is told to stop or an input crashes it.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

/// memfd_create(2), which Swift's Glibc module does not show.
int tibet_memory_file(const char *name);

#endif
