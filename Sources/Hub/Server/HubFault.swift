internal import Fabric
internal import HTTPServing
internal import HTTPTypes

/// Why a request is not fulfilled, and what its sender is told.
struct HubFault: Error, Sendable {
    /// The status of the answer.
    let status: HTTPResponse.Status
    /// The body of the answer.
    var body: JSONObject
    /// Header fields beside those of every answer.
    var headers: HTTPFields = [:]
    /// What only the log is told.
    var cause: String?
    /// Whether it is worth a line in the log beyond that of every request.
    var isOurs: Bool { status.kind == .serverError && status.code != 507 }

    /// A fault with a text, as the reference server words them, and the word for programs that is ours.
    init(_ status: HTTPResponse.Status, _ detail: String, code: String? = nil) {
        self.status = status
        body = ["detail": .text(detail)]
        if let code { body["code"] = .text(code) }
    }

    /// A request that does not have the form that it should.
    init(invalid problems: [FieldProblem]) {
        status = .unprocessableContent
        body = ["detail": .list(problems.map(\.json))]
    }

    /// A request that a web page may have caused.
    init(_ foreign: ForeignRequest) {
        self.init(foreign.status, foreign.reason, code: foreign.code.replacing("-", with: "_"))
    }

    /// A form that is right and a meaning that is not.
    static func invalid(_ location: String..., message: String, input: JSONValue) -> HubFault {
        HubFault(invalid: [FieldProblem(type: "value_error", location: location, message: message, input: input)])
    }

    /// The same fault with one more header field.
    func with(_ name: HTTPField.Name, _ value: String) -> HubFault {
        var copy = self
        copy.headers[name] = value
        return copy
    }

    /// The same fault with one more member in its body.
    func with(_ member: String, _ value: JSONValue) -> HubFault {
        var copy = self
        copy.body[member] = value
        return copy
    }

    /// The same fault, and why it came to it.
    func because(_ cause: String) -> HubFault {
        var copy = self
        copy.cause = cause
        return copy
    }

    static let nothingHere = HubFault(.notFound, "Not Found")
    static let tooLarge = HTTPResponse.Status(code: 413, reasonPhrase: "Content Too Large")
    static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")

    /// A body with more bytes than are taken.
    static func tooLarge(limit: Int) -> HubFault {
        HubFault(tooLarge, "the largest message here has \(limit) bytes; send more as a blob", code: "too_large")
            .with("limit", .integer(limit))
    }

    /// Asked too often; ask again after so many seconds.
    static func tooMany(_ detail: String, code: String, retryAfter seconds: Int64) -> HubFault {
        HubFault(.tooManyRequests, detail, code: code).with(.retryAfter, String(max(1, seconds)))
    }
}

/// What is wrong with one field of a request, in the form of the reference server's framework (`mux.md`, section 2).
struct FieldProblem: Sendable {
    let type: String
    let location: [JSONValue]
    let message: String
    let input: JSONValue
    var context: JSONValue?

    init(type: String, location: [String], message: String, input: JSONValue) {
        self.type = type
        self.location = location.map(JSONValue.text)
        self.message = message
        self.input = input
    }

    /// A body that is no JSON; the position is part of the place.
    init(_ fault: JSONFault) {
        type = "json_invalid"
        location = ["body", .integer(fault.offset)]
        message = "JSON decode error"
        input = [:]
        context = ["error": .text(Self.pythonReason(of: fault))]
    }

    /// A field that is not there.
    static func missing(_ location: [String], in input: JSONValue) -> FieldProblem {
        FieldProblem(type: "missing", location: location, message: "Field required", input: input)
    }

    var json: JSONValue {
        var object: JSONObject = [
            "type": .text(type), "loc": .list(location), "msg": .text(message), "input": input,
        ]
        if let context { object["ctx"] = context }
        return .object(object)
    }

    /// The reason as the peers' reader words it, where it has words for it.
    private static func pythonReason(of fault: JSONFault) -> String {
        switch fault.reason {
        case "a key was expected": "Expecting property name enclosed in double quotes"
        case "a value was expected", "the text ends", "an unknown word": "Expecting value"
        case "a colon was expected": "Expecting ':' delimiter"
        case "the object is not closed", "the list is not closed": "Expecting ',' delimiter"
        case "something follows the value": "Extra data"
        case "a text is not closed": "Unterminated string starting at"
        case "a control character stands in a text": "Invalid control character at"
        case "an unknown escape": "Invalid \\escape"
        default: fault.reason
        }
    }
}
