#ifndef TIBET_CARCHIVE_SHIM_H
#define TIBET_CARCHIVE_SHIM_H

#include <archive.h>
#include <archive_entry.h>

// The AE_IF* file types are casts inside macros, which Swift does not import.
static const unsigned int tibet_archive_regular = AE_IFREG;
static const unsigned int tibet_archive_directory = AE_IFDIR;
static const unsigned int tibet_archive_symlink = AE_IFLNK;

#endif
