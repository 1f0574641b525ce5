#ifndef TIBET_CPOSTGRES_H
#define TIBET_CPOSTGRES_H

// The path in which Debian has it, so that no search path is needed.
#include <postgresql/libpq-fe.h>

// libpq is not linked but loaded when it is first used: a hub over SQLite does without it. The functions that libpq's
// header declares and the store calls are defined in cpostgres.c, which passes each call on. Before any of them,
// tibet_pq_load() must have succeeded.

/// Loads libpq unless that is done. Returns NULL, or why it cannot be had. Safe from any thread.
const char *tibet_pq_load(void);

/// A connection to what `conninfo` says, over which texts go as UTF-8. What it is called and after how many seconds it
/// gives up are the other two, unless `conninfo` says so itself. NULL only without memory; it may have failed.
PGconn *tibet_pq_connect(const char *conninfo, const char *application, const char *seconds);

#endif
