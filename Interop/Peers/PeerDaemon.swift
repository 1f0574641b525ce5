import Foundation
import ProgramRunner
import Testing

/// The peers' daemon in active mode, with its HTTP inbox open.
final class PeerDaemon: Sendable {
    /// Where to deliver.
    let url: String

    private let program: Program
    private let folder: WorkFolder
    private let place: String

    /// Starts one below `place` in `folder`, and returns when it watches its inbox and answers.
    ///
    /// The inbox is called `inbox`, because for the peer any other name is a zone that trusts nothing.
    init(in folder: WorkFolder, place: String = "daemon", environment: [String: String] = [:]) async throws {
        self.folder = folder
        self.place = place
        let port = try FreePort.find()
        url = "http://127.0.0.1:\(port)"
        try folder.folder(place + "/inbox")
        let own = [
            "TIBET_CONTINUITYD_INBOX": folder.path(place + "/inbox"),
            "TIBET_CONTINUITYD_AUDIT": folder.path(place + "/audit.jsonl"),
            "TIBET_CONTINUITYD_QUARANTINE": folder.path(place + "/quarantine"),
            "TIBET_CONTINUITYD_TRIAGE": folder.path(place + "/triage"),
            "TIBET_CONTINUITYD_POLICY": folder.path(place + "/no-policy.toml"),
            "TIBET_CONTINUITYD_MODE": "active",
            "TIBET_CONTINUITYD_HTTP_HOST": "127.0.0.1", "TIBET_CONTINUITYD_HTTP_PORT": String(port),
        ]
        program = try await Peer(in: folder).start("tcd", ["run"], environment: own.merging(environment) { $1 })
        _ = try await program.line(containing: "watching:")
        try await Health.wait(for: url)
    }

    /// The names of the envelopes in its inbox.
    func arrivals() throws -> [String] { try folder.names(place + "/inbox") }

    /// The bytes of one of them.
    func content(_ name: String) throws -> Data { try folder.read(place + "/inbox/" + name) }

    /// Waits until the daemon has judged `count` envelopes, stops it, and returns what its audit log says of them.
    func judgements(_ count: Int) async throws -> [Judgement] {
        let judged = try await Repeated.until(within: .seconds(20)) { try self.audit().count >= count }
        let outcome = try await program.stop()
        let judgements = try audit()
        #expect(judged, "the daemon judged \(judgements.count) of \(count): \(outcome)")
        return judgements
    }

    /// Waits for a heartbeat in its audit log, and returns its kind, and whether it was verified.
    func heartbeat() async throws -> (kind: String, isVerified: Bool) {
        let heard = try await Repeated.until(within: .seconds(20)) { try !self.records("heartbeat").isEmpty }
        let record = try records("heartbeat").first
        #expect(heard, "the daemon heard nothing")
        return (record?["kind_detail"] as? String ?? "", record?["verified"] as? Bool ?? false)
    }

    /// Stops it.
    func stop() async throws { try await program.stop() }

    /// What the daemon made of one envelope.
    struct Judgement: Sendable {
        let name: String
        let disposition: String
        let surfaceStatus: String
        let isValid: Bool
    }

    private func audit() throws -> [Judgement] {
        try records("verify-fork").map { record in
            Judgement(
                name: record["name"] as? String ?? "", disposition: record["disposition"] as? String ?? "",
                surfaceStatus: record["surface_status"] as? String ?? "",
                isValid: record["verify_valid"] as? Bool ?? false)
        }
    }

    /// What the audit log says of one stage.
    private func records(_ stage: String) throws -> [[String: Any]] {
        guard folder.holds(place + "/audit.jsonl") else { return [] }
        let text = String(decoding: try folder.read(place + "/audit.jsonl"), as: UTF8.self)
        // The last line may be half written.
        let lines = text.split(separator: "\n").dropLast(text.hasSuffix("\n") ? 0 : 1)
        return try lines.compactMap { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
            .filter { $0["stage"] as? String == stage }
    }
}
