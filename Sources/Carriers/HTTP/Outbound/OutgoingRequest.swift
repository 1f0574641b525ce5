internal import Fabric

/// One request to be made: what goes out, and when to give up.
struct OutgoingRequest: Sendable {
    /// The methods that a carrier uses.
    enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// A part of an envelope as the body of a request.
    struct Body: Sendable {
        /// Where the bytes come from.
        var source: any EnvelopeSource
        /// The first byte of the source that is sent.
        var start: Int64
        /// The number of bytes that are sent.
        var count: Int64
    }

    /// What to do.
    var method: Method
    /// Where.
    var url: String
    /// Header fields beside those that every request has, in order.
    var headers: [(name: String, value: String)] = []
    /// What to send; nil for nothing. A `POST` without a body announces a length of 0.
    var body: Body?
    /// How long the answer may take once everything is sent.
    var answerTime: Duration
    /// Told how many bytes of the body the far side's system has taken.
    var progress: @Sendable (Int64) -> Void = { _ in }
}

/// What came back for a request.
struct Answer: Sendable {
    /// The status code of the last response.
    var status: Int
    /// The header fields of the last response, names in lower case.
    var headers: [(name: String, value: String)]
    /// The first bytes of the body, at most `Answer.largestBody`.
    var body: [UInt8]

    /// How much of a body is looked at, in bytes.
    static let largestBody = 64 << 10

    /// The value of the first field of that name; nil when there is none.
    subscript(_ name: String) -> String? {
        let lowered = name.lowercased()
        return headers.first { $0.name == lowered }?.value
    }
}

/// Why a request brought no answer.
enum RequestFailure: Error, Sendable {
    /// libcurl gave up: its code, and its own words for people.
    case curl(code: UInt32, detail: String)
    /// The far side moved too few bytes for too long, or did not answer.
    case stalled
    /// The source of the body could not be read.
    case unreadable(SystemFailure)
    /// The source of the body ended before the announced size.
    case sourceEnded
    /// The caller cancelled.
    case cancelled
}
