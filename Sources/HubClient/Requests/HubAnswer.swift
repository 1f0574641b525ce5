package import Fabric
package import HTTPClient

/// What a hub answered.
package struct HubAnswer: Sendable {
    /// The status code.
    package let status: Int
    /// The body, where it is JSON and came as a whole.
    package let json: JSONValue?
    /// The header fields.
    package let answer: Answer

    init(_ answer: Answer) {
        self.answer = answer
        status = answer.status
        json = answer.isCut ? nil : try? JSONValue(parsing: answer.body)
    }

    /// The word that our hub puts beside an error; nil from a peer's server.
    package var code: String? { json?["code"]?.text }

    /// Whether this is the answer to an earlier request with the same `Idempotency-Key`, given again.
    package var wasReplayed: Bool { answer["Idempotency-Replayed"] == "true" }

    /// What the server says of an error: the `detail` of both our hub and the peers' servers. Lists of a validation
    /// error, which are long, are left out.
    package var detail: String? { json?["detail"]?.text }

    /// `Retry-After` in seconds, up to a day; nil for none, and for a date, which would depend on two clocks.
    package var retryAfter: Duration? {
        guard let text = answer["Retry-After"], (1...9).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seconds = Int64(text)
        else { return nil }
        return .seconds(min(seconds, 86400))
    }
}
