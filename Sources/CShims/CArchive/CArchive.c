#include <archive.h>
#include <archive_entry.h>

// Each constant is compared with libarchive's before its macro makes way for ours.
_Static_assert(ARCHIVE_EOF == 1, "the end of an archive");
_Static_assert(ARCHIVE_WARN == -20, "a warning");
_Static_assert(AE_IFREG == 0100000 && AE_IFDIR == 0040000 && AE_IFLNK == 0120000, "the kinds of entries");
#undef ARCHIVE_EOF
#undef ARCHIVE_WARN

#include "CArchive.h"
