internal import Fabric
internal import HTTPTypes
internal import SystemPackage

/// An answer to be written: status, header fields and a short text.
struct Reply: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields = [:]
    var body: String = ""

    /// A plain text, as the peers' clients expect it.
    static func text(_ status: HTTPResponse.Status, _ body: String) -> Reply {
        Reply(status: status, headers: [.contentType: "text/plain"], body: body)
    }

    /// Sets a field by a name of `FieldName`.
    mutating func set(_ name: String, _ value: String) {
        guard let name = HTTPField.Name(name) else { return }
        headers[name] = value
    }

    /// The response head with its length and, where the connection is to be closed, word of that.
    func head(closing: Bool) -> HTTPResponse {
        var head = HTTPResponse(status: status, headerFields: headers)
        // 204 has no body and no length (RFC 9110, section 8.6).
        if status != .noContent { head.headerFields[.contentLength] = String(body.utf8.count) }
        if closing { head.headerFields[.connection] = "close" }
        return head
    }
}

/// A request that is not fulfilled, with what the sender is told.
struct Refusal: Error, Sendable {
    /// What the sender is told.
    var reply: Reply
    /// The short name of the reason, for logs.
    let code: String
    /// What only the log is told, as it names files of this machine.
    var detail: String?

    /// A refusal with a JSON body; see `ErrorBody`.
    init(_ status: HTTPResponse.Status, _ code: String, _ reason: String, limit: Int64? = nil) {
        self.code = code
        reply = Reply(
            status: status, headers: [.contentType: "application/json"],
            body: ErrorBody(error: code, reason: reason, limit: limit).json)
    }

    /// The same refusal with one more header field.
    func with(_ name: HTTPField.Name, _ value: String) -> Refusal {
        var copy = self
        copy.reply.headers[name] = value
        return copy
    }

    /// What a lane's failure means to the sender. Paths and reasons of this machine are not for its eyes.
    init(_ error: LaneError) {
        switch error {
        case .reserveReached:
            self.init(Self.insufficientStorage, "no-room", "the disk reserve would be used up")
        case .system(let failure) where failure.errno == .noSpace:
            self.init(Self.insufficientStorage, "no-room", "the disk is full")
        case .system(let failure) where failure.errno == .wouldBlock:
            self = Self.busyUpload
        case .system:
            self.init(.internalServerError, "storage-failed", "the envelope could not be stored")
        case .sizeMismatch(let expected, let found):
            self.init(.badRequest, "short-body", "\(found) bytes came where \(expected) were announced")
        case .digestMismatch:
            self.init(.badRequest, "digest-mismatch", "the bytes are not those of the announced digest")
        case .noFreeName:
            self.init(.conflict, "no-free-name", "every name that this envelope could have is taken")
        }
        detail = error.description
    }

    static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")

    /// Somebody else is sending the same upload right now.
    static let busyUpload = Refusal(.conflict, "upload-busy", "another connection is sending this upload")

    /// The connection ended, or what came on it cannot be read, before the announced length.
    static func shortBody(_ found: Int64, of expected: Int64) -> Refusal {
        Refusal(LaneError.sizeMismatch(expected: expected, found: found))
    }

    static let unauthorized = Refusal(
        .unauthorized, "unauthorized", "a valid TIBET-SIG-V1 signature by a trusted key is required"
    ).with(.wwwAuthenticate, "TIBET-SIG-V1")
}
