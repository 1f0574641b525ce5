internal import CPostgres
internal import Glibc

/// A connection to PostgreSQL, over libpq.
///
/// Statements are prepared when they are first used, and sent in pipelines: several cost one round trip.
final class PostgresConnection: SQLConnection {
    private let handle: OpaquePointer
    /// The name of each prepared statement, by its text with question marks.
    private var prepared: [String: String] = [:]
    /// What goes before the next statements: the beginning of a transaction costs no round trip of its own.
    private var preamble: [SQLStatement] = []
    private var isInTransaction = false

    /// How many statements go into one pipeline. Both sides write only when they have read, so answers must fit into
    /// what the kernel holds for them.
    private static let pipelineLength = 64
    private static let connectSeconds = "10"

    /// Connects. Never tells the connection text, which may hold a password.
    init(_ text: String) throws(SQLFailure) {
        if let problem = tibet_pq_load() {
            throw .refused(code: "libpq", message: "libpq cannot be loaded: \(String(cString: problem))")
        }
        guard let handle = tibet_pq_connect(text, "tcd hub", Self.connectSeconds) else {
            throw .disconnected("no memory for a connection")
        }
        self.handle = handle
        guard PQstatus(handle) == CONNECTION_OK else { throw .disconnected(Self.line(PQerrorMessage(handle))) }
        let encoding = PQparameterStatus(handle, "server_encoding").map { String(cString: $0) }
        guard encoding == "UTF8" else {
            throw .refused(code: "encoding", message: "the database's encoding is not UTF8")
        }
        try executeScript(
            """
            SET search_path TO tibet_hub;
            SET synchronous_commit TO on;
            SET lock_timeout TO \(Self.sharedPatience);
            SET client_min_messages TO warning
            """)
    }

    deinit { PQfinish(handle) }

    /// For how many milliseconds a transaction of many callers waits for a lock. Its callers hold locks in no order, so it
    /// rather gives up and lets each try alone.
    private static let sharedPatience = 100
    private static let alonePatience = 10_000

    var isUsable: Bool { PQstatus(handle) == CONNECTION_OK }

    /// The socket, to wait on for announcements.
    var socket: Int32 { PQsocket(handle) }

    func execute(_ statements: [SQLStatement]) throws(SQLFailure) -> [SQLAnswer] {
        let all = preamble + statements
        let skipped = preamble.count
        preamble = []
        var answers: [SQLAnswer] = []
        var rest = all[...]
        while !rest.isEmpty {
            answers += try pipeline(rest.prefix(Self.pipelineLength))
            rest = rest.dropFirst(Self.pipelineLength)
        }
        return Array(answers.dropFirst(skipped))
    }

    func begin(_ access: SQLAccess) throws(SQLFailure) {
        preamble = [SQLStatement("BEGIN")]
        if access == .alone { preamble.append(SQLStatement("SET LOCAL lock_timeout TO \(Self.alonePatience)")) }
        isInTransaction = true
    }

    func commit() throws(SQLFailure) {
        isInTransaction = false
        guard preamble.isEmpty else {
            preamble = []
            return
        }
        _ = try execute([SQLStatement("COMMIT")])
    }

    func rollBack() {
        guard isInTransaction else { return }
        isInTransaction = false
        guard preamble.isEmpty else {
            preamble = []
            return
        }
        if isUsable { PQclear(PQexec(handle, "ROLLBACK")) }
    }

    func executeScript(_ text: String) throws(SQLFailure) {
        if !preamble.isEmpty { _ = try execute([]) }
        let result = PQexec(handle, text)
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw failure(result) }
    }

    func close() {}

    /// Announcements that have come, without waiting for any.
    func announcements() throws(SQLFailure) -> [String] {
        guard PQconsumeInput(handle) == 1, isUsable else { throw .disconnected(Self.line(PQerrorMessage(handle))) }
        var texts: [String] = []
        while let notification = PQnotifies(handle) {
            if let text = notification.pointee.extra { texts.append(String(cString: text)) }
            PQfreemem(notification)
        }
        return texts
    }

    // MARK: Pipelines

    private func pipeline(_ statements: ArraySlice<SQLStatement>) throws(SQLFailure) -> [SQLAnswer] {
        var names: [String] = []
        for statement in statements { names.append(try prepare(statement)) }
        guard PQenterPipelineMode(handle) == 1 else { throw .disconnected(Self.line(PQerrorMessage(handle))) }
        for (statement, name) in zip(statements, names) {
            guard send(statement, as: name) else { throw .disconnected(Self.line(PQerrorMessage(handle))) }
        }
        guard PQpipelineSync(handle) == 1 else { throw .disconnected(Self.line(PQerrorMessage(handle))) }
        var answers: [SQLAnswer] = []
        var first: SQLFailure?
        for _ in statements {
            switch takeAnswer() {
            case .success(let answer): answers.append(answer)
            case .failure(let failure): first = first ?? failure
            }
        }
        // The synchronisation itself has a result, and after it nothing is under way.
        PQclear(PQgetResult(handle))
        guard isUsable, PQexitPipelineMode(handle) == 1 else {
            throw .disconnected(Self.line(PQerrorMessage(handle)))
        }
        if let first { throw first }
        return answers
    }

    private func takeAnswer() -> Result<SQLAnswer, SQLFailure> {
        guard let result = PQgetResult(handle) else {
            return .failure(.disconnected(Self.line(PQerrorMessage(handle))))
        }
        defer {
            PQclear(result)
            // After each result comes one that is none.
            while let more = PQgetResult(handle) { PQclear(more) }
        }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return .success(SQLAnswer(postgres: result))
        default: return .failure(failure(result))
        }
    }

    private func send(_ statement: SQLStatement, as name: String) -> Bool {
        let arguments = PostgresArguments(statement.arguments)
        return arguments.withPointers { count, values, lengths, formats in
            PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1) == 1
        }
    }

    /// The name of the prepared statement; prepares it where it has none.
    private func prepare(_ statement: SQLStatement) throws(SQLFailure) -> String {
        if let name = prepared[statement.text] { return name }
        let name = "s\(prepared.count)"
        let result = PQprepare(handle, name, Self.numbered(statement.text), 0, nil)
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw failure(result) }
        prepared[statement.text] = name
        return name
    }

    /// `$1`, `$2` … in the places of the question marks.
    static func numbered(_ text: String) -> String {
        var result: [UInt8] = []
        var count = 0
        for byte in text.utf8 {
            guard byte == UInt8(ascii: "?") else {
                result.append(byte)
                continue
            }
            count += 1
            result += Array("$\(count)".utf8)
        }
        return String(decoding: result, as: UTF8.self)
    }

    // MARK: Failures

    private func failure(_ result: OpaquePointer?) -> SQLFailure {
        // Without a connection the code says little, if there is one at all.
        guard isUsable else { return .disconnected(Self.line(PQerrorMessage(handle))) }
        let code = PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { String(cString: $0) } ?? ""
        let message = PQresultErrorField(result, Int32(UInt8(ascii: "M"))).map { Self.line($0) } ?? "no message"
        return SQLFailure(postgresCode: code, message: message)
    }

    /// The first line of a message.
    private static func line(_ text: UnsafePointer<CChar>?) -> String {
        guard let text else { return "no message" }
        return String(cString: text).split(separator: "\n").first.map(String.init) ?? "the connection is gone"
    }
}

extension SQLFailure {
    /// By the code of appendix A of PostgreSQL's manual, never by the text.
    init(postgresCode code: String, message: String) {
        switch code {
        // disk_full
        case "53100": self = .full
        // lock_not_available, serialization_failure, deadlock_detected, unique_violation, query_canceled
        case "55P03", "40001", "40P01", "23505", "57014": self = .conflict(code: code, message: message)
        // Class 08: connections. Class 57: the operator ends or restarts it. Class 53: no resources. 25006: a standby.
        case "25006": self = .disconnected(message)
        case _ where code.hasPrefix("08") || code.hasPrefix("57P") || code.hasPrefix("53"):
            self = .disconnected(message)
        default: self = .refused(code: code, message: message)
        }
    }
}
