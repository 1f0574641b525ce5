internal import ArgumentParser
internal import Fabric
internal import FoundationEssentials
internal import HTTPClient
internal import HubClient

extension HubCommand {
    /// `tcd hub status`
    struct Status: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask a running hub how it is.",
            discussion: """
                A hub tells its figures to programs on its own machine and to its administrators. From another machine give \
                --admin with an identity whose key the hub has as --admin-key.

                Exit status: 0 it is well, 69 it cannot be reached or its store does not answer, 77 it does not tell this \
                caller.
                """)

        @Option(
            name: .long,
            help: ArgumentHelp(
                "The hub. Default: $TIBET_HUB_URL, or http://127.0.0.1:8000.", valueName: "url"))
        var url: String?

        @Flag(name: .long, help: "Ask as an administrator, with the key of the identity.")
        var admin = false

        @OptionGroup(title: "Identity") var identity: IdentityOptions
        @OptionGroup(title: "Connection") var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let base = url ?? HubOptions.variable("TIBET_HUB_URL") ?? "http://127.0.0.1:8000"
            try connection.check()
            let key = admin ? try identity.directory().load().key : nil
            let hub = try HubCommand.connections(signedBy: key, connection).client(
                at: try HubAddress(parsing: base), as: key == nil ? nil : HubAgent("admin"),
                purpose: "cannot ask the hub at '\(base)'")
            let answer: HubAnswer
            do throws(CarrierError) {
                answer = try await hub.ask(.get, "/api/hub/status", timeLimit: .seconds(10))
            } catch {
                throw HubUnwell(base, error.explanation)
            }
            guard ![401, 403].contains(answer.status) else { throw FiguresRefused(base, answer.detail) }
            guard let object = answer.json?.object, answer.status == 200 else {
                throw HubUnwell(base, "it answers with HTTP status \(answer.status)")
            }
            if output.json {
                Terminal.say(object)
            } else {
                for line in Self.lines(object) { Terminal.say(line) }
            }
        }

        /// What a person wants to know, a line each.
        private static func lines(_ object: JSONObject) -> [String] {
            func number(_ group: String, _ key: String) -> Int64 { object[group]?[key]?.integer ?? 0 }
            let version = object["version"]?.text ?? "?"
            let mode = object["open"]?.bool == true ? "open: nothing is checked" : "signatures are checked"
            return [
                "\(version), up for \(object["uptime_seconds"]?.integer ?? 0) s, \(mode)",
                "store     \(object["store"]?["kind"]?.text ?? "?"), \(Quantity.bytes(number("store", "size_bytes")))",
                "channels  \(number("channels", "open")) open, \(number("channels", "opened")) opened",
                "frames    \(number("frames", "waiting")) waiting, \(number("frames", "sent")) sent",
                "messages  \(number("messages", "pending")) pending, \(number("messages", "pushed")) sent",
                "blobs     \(Quantity.bytes(object["blob_bytes"]?.integer ?? 0))",
                "agents    \(object["agents"]?.integer ?? 0) registered",
                "refused   \(object["refused"]?.integer ?? 0)",
            ]
        }
    }
}

/// A hub that does not tell its figures to this caller.
struct FiguresRefused: ExplainedError {
    let explanation: String
    let remedy: String? =
        "ask on the hub's own machine, or with --admin and an identity whose key is an --admin-key of the hub"

    init(_ base: String, _ detail: String?) {
        explanation =
            "the hub at \(base) does not tell its figures" + (detail.map { ": " + VerdictReport.shown($0) } ?? "")
    }

    var category: FailureCategory { .refused }
}

/// A hub that does not answer as it should.
struct HubUnwell: ExplainedError {
    let explanation: String
    let remedy: String? = "see whether it runs, and name it with --url"

    init(_ base: String, _ reason: String) { explanation = "the hub at \(base) does not answer: \(reason)" }

    var category: FailureCategory { .unavailable }
}
