import Foundation
import ProgramRunner
import Testing

/// The reference peers' programs, run in one folder, kept from talking to anybody outside this machine.
struct Peer {
    private let programs: URL
    private let folder: WorkFolder

    /// Peers of a set that work in `folder`.
    init(in folder: WorkFolder, _ set: PeerInstallation = .followed) async throws {
        programs = try await set.programs()
        self.folder = folder
        try folder.folder("peer-home")
        try folder.folder("peer-tmp")
    }

    /// An address at which nobody answers, so that look-ups fail at once.
    private static let noNameService = "http://127.0.0.1:9/api/ains/resolve"

    /// Starts one of the programs.
    func start(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Program {
        let own = [
            "HOME": folder.path("peer-home"), "TMPDIR": folder.path("peer-tmp"),
            "TIBET_AINS_API_URL": Self.noNameService, "PYTHONUNBUFFERED": "1",
        ]
        return try Program(
            programs.appendingPathComponent(name).path, arguments, in: folder.url,
            environment: own.merging(environment) { $1 })
    }

    /// Runs `tibet-drop` to its end.
    @discardableResult
    func drop(_ arguments: String..., exits status: Int32 = 0, location: SourceLocation = #_sourceLocation)
        async throws -> Program.Outcome
    {
        let outcome = try await start("tibet-drop", arguments).outcome()
        try #require(outcome.status == status, "tibet-drop \(arguments): \(outcome)", sourceLocation: location)
        return outcome
    }

    /// Runs the peer's `tcd` to its end.
    func tcd(_ arguments: String..., environment: [String: String] = [:]) async throws -> Program.Outcome {
        try await start("tcd", arguments, environment: environment).outcome()
    }

    /// Makes an identity with `tibet-drop init`, which leaves the key open to everybody.
    func makeIdentity(_ name: String, in directory: String) async throws {
        try await drop("init", "--aint", name, "--out", folder.path(directory))
    }

    /// What `tibet-drop inspect --json` prints.
    func manifest(of file: String) async throws -> [String: Any] {
        let output = try await drop("inspect", file, "--json").output
        return try #require(JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    }
}
