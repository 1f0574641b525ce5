package import HTTPTypes
internal import NIOHTTP1

/// A refusal that is told before anybody who answers requests saw one: what came is no request, or came too slowly.
package struct EarlyRefusal: Sendable, Equatable {
    /// The status of the answer.
    package let status: HTTPResponse.Status
    /// A short name of the reason that does not change.
    package let code: String
    /// The reason in one sentence without a full stop.
    package let reason: String

    /// How a server words a refusal: the body of the answer, as JSON.
    package typealias Wording = @Sendable (EarlyRefusal) -> String

    init(_ status: HTTPResponse.Status, _ code: String, _ reason: String) {
        self.status = status
        self.code = code
        self.reason = reason
    }

    /// A refusal where the head of a request could not be read.
    init(of error: HTTPParserError?) {
        switch error {
        case .invalidContentLength?, .unexpectedContentLength?:
            self.init(.lengthRequired, "length-required", "Content-Length is not a number")
        case .headerOverflow?:
            self.init(.requestHeaderFieldsTooLarge, "header-too-large", "the header is too large")
        case .invalidMethod?: self.init(.notImplemented, "unknown-method", "this method is not known here")
        case .invalidVersion?:
            self.init(.init(code: 505, reasonPhrase: "HTTP Version Not Supported"), "bad-version", "speak HTTP/1.1")
        default: self.init(.badRequest, "bad-request", "this is not an HTTP request")
        }
    }

    /// The header of a first request did not come in time.
    static let slowHeader = EarlyRefusal(.requestTimeout, "too-slow", "the header came too slowly")

    /// The response head that goes with `body`. The connection is closed after it.
    func head(for body: String) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headerFields: [
                .contentType: "application/json", .contentLength: String(body.utf8.count), .connection: "close",
            ])
    }
}
