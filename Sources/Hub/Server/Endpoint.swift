internal import Fabric
internal import HTTPTypes

/// One thing that can be asked of the hub: where, with what, and who answers. The OpenAPI document is made of these, so
/// that it cannot lack one.
struct Endpoint: Sendable {
    /// A parameter of the path or the query, a header field, or a member of a body.
    struct Field: Sendable {
        let name: String
        /// The type in JSON's words: `string`, `integer`, `number`, `boolean`, `object`, `array`, or `any`.
        let type: String
        let isRequired: Bool
        let summary: String

        /// One that has to be there.
        static func required(_ name: String, _ type: String = "string", _ summary: String = "") -> Field {
            Field(name: name, type: type, isRequired: true, summary: summary)
        }

        /// One that may be absent.
        static func optional(_ name: String, _ type: String = "string", _ summary: String = "") -> Field {
            Field(name: name, type: type, isRequired: false, summary: summary)
        }
    }

    /// What a request brings beside its head.
    enum Body: Sendable {
        case none
        /// A JSON object.
        case json([Field])
        /// Raw bytes.
        case bytes
    }

    /// How much a request may bring.
    enum Size: Sendable {
        /// What a form needs.
        case small
        /// The largest message. More than `RequestJSON.largestOnLoop` only of proven senders.
        case message
        /// The largest message, of any sender.
        case file
        /// The largest piece of a blob.
        case piece
    }

    typealias Answer = @Sendable (Exchange) async throws(HubFault) -> HubReply

    let method: HTTPRequest.Method
    /// The path; what stands in braces matches one segment.
    let path: String
    /// What it does, in a few words.
    let summary: String
    /// Whether the peers' server has it too; the rest is ours.
    let isPeers: Bool
    let query: [Field]
    let headers: [Field]
    let body: Body
    let size: Size
    /// The media type of a good answer.
    let answerType: String
    /// The status of a good answer.
    let status: Int
    let answer: Answer

    init(
        _ method: HTTPRequest.Method, _ path: String, _ summary: String, isPeers: Bool = false, query: [Field] = [],
        headers: [Field] = [], body: Body = .none, size: Size = .small, answerType: String = "application/json",
        status: Int = 200, answer: @escaping Answer
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.isPeers = isPeers
        self.query = query
        self.headers = headers
        self.body = body
        self.size = size
        self.answerType = answerType
        self.status = status
        self.answer = answer
    }

    /// The parts of the path.
    var pattern: [Substring] { path.split(separator: "/") }
}
