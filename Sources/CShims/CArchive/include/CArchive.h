#ifndef TIBET_CARCHIVE_H
#define TIBET_CARCHIVE_H

#include <stddef.h>
#include <stdint.h>

// What of libarchive is used here, declared once more. archive.h itself includes sys/stat.h, and Swift then takes
// `struct stat` for libarchive's in whichever file it meets libarchive first. CArchive.c includes both headers, so the
// compiler compares every declaration below with libarchive's own.

struct archive;
struct archive_entry;

typedef long tibet_archive_write_callback(struct archive *, void *client, const void *bytes, size_t count);
typedef long tibet_archive_read_callback(struct archive *, void *client, const void **bytes);
typedef int tibet_archive_end_callback(struct archive *, void *client);

static const int ARCHIVE_EOF = 1;
static const int ARCHIVE_WARN = -20;
static const unsigned int tibet_archive_regular = 0100000;
static const unsigned int tibet_archive_directory = 0040000;
static const unsigned int tibet_archive_symlink = 0120000;

const char *archive_error_string(struct archive *);

struct archive *archive_read_new(void);
int archive_read_support_format_tar(struct archive *);
int archive_read_support_format_empty(struct archive *);
int archive_read_open(
    struct archive *, void *client, tibet_archive_end_callback *opener, tibet_archive_read_callback *reader,
    tibet_archive_end_callback *closer);
int archive_read_next_header(struct archive *, struct archive_entry **);
int archive_read_data_block(struct archive *, const void **bytes, size_t *count, int64_t *offset);
int archive_read_free(struct archive *);

struct archive *archive_write_new(void);
int archive_write_set_format_pax(struct archive *);
int archive_write_set_bytes_per_block(struct archive *, int count);
int archive_write_open(
    struct archive *, void *client, tibet_archive_end_callback *opener, tibet_archive_write_callback *writer,
    tibet_archive_end_callback *closer);
int archive_write_header(struct archive *, struct archive_entry *);
long archive_write_data(struct archive *, const void *bytes, size_t count);
int archive_write_close(struct archive *);
int archive_write_free(struct archive *);

struct archive_entry *archive_entry_new(void);
void archive_entry_free(struct archive_entry *);
const char *archive_entry_pathname(struct archive_entry *);
const char *archive_entry_hardlink(struct archive_entry *);
const char *archive_entry_symlink(struct archive_entry *);
unsigned int archive_entry_filetype(struct archive_entry *);
unsigned int archive_entry_perm(struct archive_entry *);
int64_t archive_entry_size(struct archive_entry *);
long archive_entry_mtime(struct archive_entry *);
long archive_entry_mtime_nsec(struct archive_entry *);
int archive_entry_sparse_count(struct archive_entry *);
void archive_entry_copy_pathname(struct archive_entry *, const char *);
void archive_entry_copy_symlink(struct archive_entry *, const char *);
void archive_entry_set_mode(struct archive_entry *, unsigned int mode);
void archive_entry_set_mtime(struct archive_entry *, long seconds, long nanoseconds);
void archive_entry_set_size(struct archive_entry *, int64_t size);

#endif
