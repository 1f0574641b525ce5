#include "cpostgres.h"

#include <dlfcn.h>
#include <pthread.h>

// The loaded functions, each of its declared type and under its own name without the prefix.
#define SLOT(name) __typeof__(PQ##name) *name
static struct {
    SLOT(connectdbParams);
    SLOT(finish);
    SLOT(status);
    SLOT(errorMessage);
    SLOT(socket);
    SLOT(backendPID);
    SLOT(parameterStatus);
    SLOT(serverVersion);
    SLOT(exec);
    SLOT(prepare);
    SLOT(sendQueryPrepared);
    SLOT(getResult);
    SLOT(enterPipelineMode);
    SLOT(exitPipelineMode);
    SLOT(pipelineSync);
    SLOT(consumeInput);
    SLOT(notifies);
    SLOT(freemem);
    SLOT(resultStatus);
    SLOT(resultErrorField);
    SLOT(clear);
    SLOT(ntuples);
    SLOT(nfields);
    SLOT(ftype);
    SLOT(getvalue);
    SLOT(getlength);
    SLOT(getisnull);
    SLOT(cmdTuples);
    SLOT(setNoticeReceiver);
} loaded;

static const char *problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *find(void *library, const char *name) {
    void *function = dlsym(library, name);
    if (function == NULL && problem == NULL) problem = "it is too old, or no libpq";
    return function;
}

// A function pointer and an object pointer are different types to the language and the same thing to dlsym.
#define FIND(name) (*(void **)&loaded.name = find(library, "PQ" #name))

static void load(void) {
    void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        problem = dlerror();
        return;
    }
    FIND(connectdbParams);
    FIND(finish);
    FIND(status);
    FIND(errorMessage);
    FIND(socket);
    FIND(backendPID);
    FIND(parameterStatus);
    FIND(serverVersion);
    FIND(exec);
    FIND(prepare);
    FIND(sendQueryPrepared);
    FIND(getResult);
    FIND(enterPipelineMode);
    FIND(exitPipelineMode);
    FIND(pipelineSync);
    FIND(consumeInput);
    FIND(notifies);
    FIND(freemem);
    FIND(resultStatus);
    FIND(resultErrorField);
    FIND(clear);
    FIND(ntuples);
    FIND(nfields);
    FIND(ftype);
    FIND(getvalue);
    FIND(getlength);
    FIND(getisnull);
    FIND(cmdTuples);
    FIND(setNoticeReceiver);
}

const char *tibet_pq_load(void) {
    pthread_once(&once, load);
    return problem;
}

// Notices are for people at a terminal; libpq would print them.
static void ignore(void *context, const PGresult *result) {
    (void)context;
    (void)result;
}

PGconn *tibet_pq_connect(const char *conninfo, const char *application, const char *seconds) {
    // Of settings that come twice the last one counts, and `dbname` is expanded where it stands.
    const char *keywords[] = {"connect_timeout", "fallback_application_name", "dbname", "client_encoding", NULL};
    const char *values[] = {seconds, application, conninfo, "UTF8", NULL};
    PGconn *connection = loaded.connectdbParams(keywords, values, 1);
    if (connection != NULL) loaded.setNoticeReceiver(connection, ignore, NULL);
    return connection;
}

void PQfinish(PGconn *connection) { loaded.finish(connection); }
ConnStatusType PQstatus(const PGconn *connection) { return loaded.status(connection); }
char *PQerrorMessage(const PGconn *connection) { return loaded.errorMessage(connection); }
int PQsocket(const PGconn *connection) { return loaded.socket(connection); }
int PQbackendPID(const PGconn *connection) { return loaded.backendPID(connection); }
const char *PQparameterStatus(const PGconn *connection, const char *name) {
    return loaded.parameterStatus(connection, name);
}
int PQserverVersion(const PGconn *connection) { return loaded.serverVersion(connection); }
PGresult *PQexec(PGconn *connection, const char *query) { return loaded.exec(connection, query); }
PGresult *PQprepare(PGconn *connection, const char *name, const char *query, int count, const Oid *types) {
    return loaded.prepare(connection, name, query, count, types);
}
int PQsendQueryPrepared(
    PGconn *connection, const char *name, int count, const char *const *values, const int *lengths,
    const int *formats, int resultFormat) {
    return loaded.sendQueryPrepared(connection, name, count, values, lengths, formats, resultFormat);
}
PGresult *PQgetResult(PGconn *connection) { return loaded.getResult(connection); }
int PQenterPipelineMode(PGconn *connection) { return loaded.enterPipelineMode(connection); }
int PQexitPipelineMode(PGconn *connection) { return loaded.exitPipelineMode(connection); }
int PQpipelineSync(PGconn *connection) { return loaded.pipelineSync(connection); }
int PQconsumeInput(PGconn *connection) { return loaded.consumeInput(connection); }
PGnotify *PQnotifies(PGconn *connection) { return loaded.notifies(connection); }
void PQfreemem(void *memory) { loaded.freemem(memory); }
ExecStatusType PQresultStatus(const PGresult *result) { return loaded.resultStatus(result); }
char *PQresultErrorField(const PGresult *result, int field) { return loaded.resultErrorField(result, field); }
void PQclear(PGresult *result) { loaded.clear(result); }
int PQntuples(const PGresult *result) { return loaded.ntuples(result); }
int PQnfields(const PGresult *result) { return loaded.nfields(result); }
Oid PQftype(const PGresult *result, int field) { return loaded.ftype(result, field); }
char *PQgetvalue(const PGresult *result, int row, int field) { return loaded.getvalue(result, row, field); }
int PQgetlength(const PGresult *result, int row, int field) { return loaded.getlength(result, row, field); }
int PQgetisnull(const PGresult *result, int row, int field) { return loaded.getisnull(result, row, field); }
char *PQcmdTuples(PGresult *result) { return loaded.cmdTuples(result); }
