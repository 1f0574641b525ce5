internal import Fabric
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore

/// An answer to be written.
struct HubReply: Sendable {
    /// What the answer says.
    enum Body: Sendable {
        /// Text of one kind.
        case text(String, type: String)
        /// Bytes that are written piece by piece; the length where it is known.
        case pieces(type: String, length: Int64?, @Sendable (inout any ResponseBodyWriter) async throws -> Void)
    }

    var status: HTTPResponse.Status
    var headers: HTTPFields
    var body: Body
    /// To be done when the other side has gone before the answer was on its way.
    var undo: (@Sendable () async -> Void)?

    /// An answer from its parts.
    init(_ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON object, with 200.
    init(_ object: JSONObject) { self.init(.ok, object) }

    /// A JSON object.
    init(_ status: HTTPResponse.Status, _ object: JSONObject) {
        self.init(status, body: .text(JSONValue.object(object).text(.compact), type: "application/json"))
    }

    /// JSON that is text already.
    init(_ status: HTTPResponse.Status = .ok, json: JSONText) {
        self.init(status, body: .text(json.text, type: "application/json"))
    }

    /// The same answer, with word of it where it is the first one again, as the idempotency key asked for.
    func replayed(_ wasReplay: Bool) -> HubReply {
        guard wasReplay, let name = HTTPField.Name("Idempotency-Replayed") else { return self }
        var copy = self
        copy.headers[name] = "true"
        return copy
    }

    /// What the sender of a request that failed is told.
    init(_ fault: HubFault) {
        self.init(fault.status, fault.body)
        headers = fault.headers
    }
}

/// A JSON object that is written member by member, so that values that are text already need not be read.
struct JSONText: Sendable {
    private var members = "{"

    /// The object as text.
    var text: String { members + "}" }

    /// Adds a member.
    mutating func add(_ key: String, _ value: JSONValue) { add(key, raw: value.text(.compact)) }

    /// Adds a member whose value is JSON text.
    mutating func add(_ key: String, raw: String) {
        if members.utf8.count > 1 { members += "," }
        members += JSONValue.text(key).text(.compact)
        members += ":"
        members += raw
    }

    /// Adds a list of JSON texts.
    mutating func add(_ key: String, list: [String]) { add(key, raw: "[" + list.joined(separator: ",") + "]") }

    /// Adds all members of an object.
    mutating func add(_ object: JSONObject) { for (key, value) in object.members { add(key, value) } }
}
