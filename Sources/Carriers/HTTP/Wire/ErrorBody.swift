internal import FoundationEssentials

/// The JSON object in the body of an answer that refuses: a code for programs and a reason for people.
struct ErrorBody: Codable, Equatable {
    /// A short name that does not change, for example `too-large`.
    var error: String
    /// What is wrong, in one sentence without a full stop.
    var reason: String
    /// The limit that was passed, in bytes, where there is one.
    var limit: Int64?

    /// The JSON text, with the keys in order.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return "{}" }
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    /// The object in `bytes`; nil when they are something else.
    init?(parsing bytes: [UInt8]) {
        guard let body = try? JSONDecoder().decode(Self.self, from: Data(bytes)) else { return nil }
        self = body
    }

    /// A body from its parts.
    init(error: String, reason: String, limit: Int64? = nil) {
        self.error = error
        self.reason = reason
        self.limit = limit
    }
}
