import Foundation

/// Our own `tcd recv`, listening on a port that the system picked.
public final class Receiver: Sendable {
    /// Where to deliver.
    public let url: String
    /// The program itself.
    public let program: Program

    /// Starts one with its inbox in `inbox` below `folder`, and returns when it listens.
    public init(
        in folder: WorkFolder, inbox: String = "inbox", _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws {
        program = try BuiltProgram.start(
            ["recv", "--json", "--port", "0", "--inbox", folder.path(inbox), "--disk-reserve", "0"] + arguments,
            in: folder.url, environment: environment)
        let line = try await program.line(containing: "\"listening\"")
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        guard let url = object?["url"] as? String else { throw Program.Overdue(description: "no address in \(line)") }
        self.url = url
    }

    /// Everything it reported of envelopes, once it has all that it was to wait for.
    public func received(within limit: Duration = .seconds(60)) async throws -> [Arrival] {
        let outcome = try await program.outcome(within: limit)
        guard outcome.status == 0 else { throw Program.Overdue(description: "recv: \(outcome)") }
        return try outcome.objects().filter { $0["event"] as? String == "received" }.map(Arrival.init)
    }

    /// What it reported of one envelope.
    public struct Arrival: Sendable {
        /// The name it was sent under.
        public let name: String
        /// The name it has in the inbox.
        public let storedName: String
        /// Whether it is valid, and how far up the states it came.
        public let isValid: Bool
        public let state: String
        public let surfaceStatus: String
        /// What the delivery's own signature was: `none`, `invalid` or `valid`.
        public let authentication: String
        public let authenticatedKey: String
        /// How many bytes were held from an earlier attempt.
        public let resumedFrom: Int
        /// What was unpacked.
        public let unpacked: [String]

        init(_ object: [String: Any]) {
            func text(_ key: String) -> String { object[key] as? String ?? "" }
            name = text("name")
            storedName = text("stored_name")
            isValid = object["valid"] as? Bool ?? false
            state = text("verification_state")
            surfaceStatus = text("surface_status")
            authentication = text("auth")
            authenticatedKey = text("auth_key")
            resumedFrom = object["resumed_from"] as? Int ?? -1
            unpacked = object["unpacked"] as? [String] ?? []
        }
    }
}
