internal import ArgumentParser
internal import Fabric
internal import FoundationEssentials
internal import HTTPClient

extension HubCommand {
    /// `tcd hub status`
    struct Status: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask a running hub how it is.",
            discussion: "Exit status: 0 it is well, 69 it cannot be reached or its store does not answer.")

        @Option(
            name: .long,
            help: ArgumentHelp(
                "The hub. Default: $TIBET_HUB_URL, or http://127.0.0.1:8000.", valueName: "url"))
        var url: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let base = url ?? HubOptions.variable("TIBET_HUB_URL") ?? "http://127.0.0.1:8000"
            let answer = try await ask(base)
            guard let object = try? JSONValue(parsing: answer.body).object, answer.status == 200 else {
                throw HubUnwell(base, "it answers with HTTP status \(answer.status)")
            }
            if output.json {
                Terminal.say(JSONValue.object(object).text(.compact))
            } else {
                for line in Self.lines(object) { Terminal.say(line) }
            }
        }

        private func ask(_ base: String) async throws -> Answer {
            let client = CurlClient(configuration: HTTPClientConfiguration())
            let root = base.hasSuffix("/") ? String(base.dropLast()) : base
            do throws(RequestFailure) {
                return try await client.perform(
                    OutgoingRequest(method: .get, url: root + "/api/hub/status", answerTime: .seconds(10)))
            } catch {
                throw HubUnwell(base, "\(error)")
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

/// A hub that does not answer as it should.
struct HubUnwell: ExplainedError {
    let explanation: String
    let remedy: String? = "see whether it runs, and name it with --url"

    init(_ base: String, _ reason: String) { explanation = "the hub at \(base) does not answer: \(reason)" }

    var category: FailureCategory { .unavailable }
}
