import ProgramRunner

import Foundation
import Glibc

/// Debian's PostgreSQL with a cluster of its own, reached by a Unix socket only.
///
/// It ends with the process that started it, however that ends: it is told by a pipe of which that process has the other
/// end.
package final class PostgresServer: Sendable {
    /// What did not work.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let folder: WorkFolder
    private let program: Program
    private let pipe: Int32
    private let directory: String

    private init(_ folder: WorkFolder, _ directory: String, _ program: Program, _ pipe: Int32) {
        self.folder = folder
        self.directory = directory
        self.program = program
        self.pipe = pipe
    }

    deinit {
        close(pipe)
    }

    /// The one that all tests of a process share.
    package static func shared() async throws -> PostgresServer { try await start.value }

    private static let start = Task { try await PostgresServer.start() }

    /// Starts one, and returns once it takes connections.
    package static func start() async throws -> PostgresServer {
        let folder = try WorkFolder()
        let directory = try await Self.directory(in: folder)
        try await run(
            folder, "initdb", "-D", folder.path("own/data"), "-U", "hub", "--auth=trust", "-E", "UTF8",
            "--locale=C.UTF-8",
            "--no-sync")
        guard mkfifo(folder.path("pipe"), 0o600) == 0 else { throw Failure(description: "no pipe can be made") }
        let pipe = open(folder.path("pipe"), O_RDWR | O_CLOEXEC)
        guard pipe >= 0 else { throw Failure(description: "no pipe can be opened") }
        // The shell waits for the end of the pipe, and stops the server by its id.
        let script = #"""
            exec 3<&0
            "$@" </dev/null &
            server=$!
            read -r word <&3
            kill -QUIT "$server"
            wait "$server"
            """#
        let words =
            ["-c", script, "sh"] + servant
            + [
                try tool("postgres"), "-D", folder.path("own/data"), "-k", folder.path("own"), "-c",
                "listen_addresses=", "-c", "max_connections=200",
            ]
        let program = try Program(
            "/bin/sh", words, in: folder.url, input: folder("pipe"), isKilledAtExit: false)
        _ = try await program.line(containing: "database system is ready to accept connections")
        return PostgresServer(folder, directory, program, pipe)
    }

    /// A new, empty database, as a connection URL.
    package func database() async throws -> String {
        let name = "t" + UUID().uuidString.lowercased().filter { $0 != "-" }
        let outcome = try await Program(
            try Self.tool("createdb"), ["-h", directory, "-U", "hub", name], in: folder.url
        ).outcome()
        guard outcome.status == 0 else { throw Failure(description: "createdb: \(outcome)") }
        let host = directory.replacing("/", with: "%2F")
        return "postgresql://hub@\(host)/\(name)"
    }

    /// Ends every connection to a database, as a restart of the server would.
    package func disconnectAll(from database: String) async throws {
        let name = database.split(separator: "/").last.map(String.init) ?? ""
        let text = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'"
        let outcome = try await Program(
            try Self.tool("psql"), ["-h", directory, "-U", "hub", "-c", text, "postgres"], in: folder.url
        ).outcome()
        guard outcome.status == 0 else { throw Failure(description: "psql: \(outcome)") }
    }

    // MARK: Programs

    /// What a command begins with, so that it does not run as root: PostgreSQL refuses that.
    private static var servant: [String] {
        geteuid() == 0
            ? ["/usr/bin/setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] : []
    }

    private static func directory(in folder: WorkFolder) async throws -> String {
        try folder.folder("own")
        if geteuid() == 0 {
            guard let account = getpwnam("postgres"),
                chown(folder.path("own"), account.pointee.pw_uid, account.pointee.pw_gid) == 0
            else { throw Failure(description: "there is no account 'postgres'; run scripts/install-requirements") }
        }
        return folder.path("own")
    }

    private static func run(_ folder: WorkFolder, _ name: String, _ arguments: String...) async throws {
        let words = servant + [try tool(name)] + arguments
        let outcome = try await Program(words[0], Array(words.dropFirst()), in: folder.url).outcome()
        guard outcome.status == 0 else { throw Failure(description: "\(name): \(outcome)") }
    }

    /// The path of one of PostgreSQL's programs, of the newest version that is installed.
    private static func tool(_ name: String) throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let paths = versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(root)/\($0)/bin/\(name)" }
        guard let path = paths.first(where: { access($0, X_OK) == 0 }) else {
            throw Failure(description: "there is no '\(name)'; run scripts/install-requirements")
        }
        return path
    }
}
