internal import Fabric
internal import Glibc
internal import HTTPServing
internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore

/// Answers requests: picks who answers, and writes what they say.
struct InboxResponder: Sendable {
    let deliveries: PlainDeliveries
    let uploads: ResumableUploads
    let browsers: BrowserGuard
    let logger: Logger

    /// What a request brought, beside its body.
    struct Exchange: Sendable {
        let request: Request
        let channel: any Channel

        var headers: HTTPFields { request.headers }

        /// The first value of a field of `FieldName`.
        func field(_ name: String) -> String? {
            HTTPField.Name(name).flatMap { headers[$0] }
        }

        /// The announced length; nil when there is none, or the body is chunked.
        var contentLength: Int64? {
            guard headers[.transferEncoding] == nil else { return nil }
            return headers[.contentLength].flatMap { StructuredFields.count(in: $0) }
        }

        var hasBody: Bool { headers[.transferEncoding] != nil || (contentLength ?? 0) > 0 }

        /// The digest of the whole envelope, where the sender announces it.
        var announcedDigest: Digest? {
            field(FieldName.reprDigest).flatMap { StructuredFields.digest(in: $0) }
        }

        /// The network that the connection came from, for counting: an IPv4 address, or the first half of an IPv6 one.
        var remoteNetwork: String {
            guard let address = channel.remoteAddress else { return "unknown" }
            guard case .v6 = address else { return address.ipAddress ?? "unknown" }
            var bytes = [UInt8](repeating: 0, count: 16)
            let text = address.ipAddress?.prefix { $0 != "%" } ?? ""
            guard inet_pton(AF_INET6, String(text), &bytes) == 1 else { return "unknown" }
            // An IPv4 address in IPv6's form is one address, not a network.
            let isMapped = bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
            return Hex.encode(isMapped ? bytes.suffix(4) : bytes.prefix(8))
        }

        /// Asks for a higher least rate of the body.
        func require(bytesPerSecond rate: Int) {
            channel.triggerUserOutboundEvent(LeastRate(bytesPerSecond: rate), promise: nil)
        }

        /// The address that the connection came from.
        var remoteAddress: String? {
            channel.remoteAddress.flatMap { address in
                address.ipAddress.map { $0.contains(":") ? "[\($0)]" : $0 }.map { "\($0):\(address.port ?? 0)" }
            }
        }
    }

    /// Answers one request. Throws only when the connection is gone.
    func respond(_ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
        let exchange = Exchange(request: request, channel: channel)
        var closing = request.headers[.connection] == "close"
        let reply: Reply
        do throws(Refusal) {
            let (answer, hasReadBody) = try await self.reply(to: exchange, writer)
            reply = answer
            if exchange.hasBody && !hasReadBody { closing = true }
        } catch {
            log(error, exchange)
            reply = error.reply
            // The rest of the body is not wanted.
            if exchange.hasBody { closing = true }
        }
        let body = request.method == .head ? "" : reply.body
        try await writer.write(
            response: reply.head(closing: closing), body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
    }

    /// The reply, and whether the body was read to its end.
    private func reply(
        to exchange: Exchange, _ writer: borrowing ResponseWriter
    ) async throws(Refusal) -> (Reply, hasReadBody: Bool) {
        let method = exchange.request.method
        try Self.refusing { () throws(ForeignRequest) in try browsers.check(exchange.request.head) }
        switch RequestTarget(exchange.request.head.path ?? "") {
        case .health:
            guard method == .get else { throw Self.notAllowed("GET") }
            return (.text(.ok, "tibet-fabric HTTP inbox\nPOST /inbox/<name> to deliver.\n"), false)
        case .inbox(let name):
            guard method == .post else { throw Self.notAllowed("POST") }
            guard let name else {
                throw Refusal(
                    .badRequest, "bad-name",
                    "a name has 1 to 200 letters, digits, dots, hyphens and underscores, and does not begin with a dot")
            }
            try Self.refusing { () throws(ForeignRequest) in
                try BrowserGuard.checkContentType(exchange.request.head)
            }
            if exchange.field(FieldName.uploadComplete) == StructuredFields.text(of: false) {
                return (try await uploads.open(name, exchange), false)
            }
            return (try await deliveries.deliver(name, exchange, writer), true)
        case .upload(let id):
            switch method {
            case .patch: return (try await uploads.append(id, exchange, writer), true)
            case .head: return (try await uploads.status(id, exchange), false)
            case .delete: return (try await uploads.cancel(id, exchange), false)
            default: throw Self.notAllowed("HEAD, PATCH, DELETE")
            }
        case .unknown:
            throw Refusal(.notFound, "not-found", "there is nothing at this path")
        }
    }

    private static func refusing(_ check: () throws(ForeignRequest) -> Void) throws(Refusal) {
        do { try check() } catch { throw Refusal(error.status, error.code, error.reason) }
    }

    private static func notAllowed(_ methods: String) -> Refusal {
        Refusal(.methodNotAllowed, "method-not-allowed", "this path takes " + methods).with(.allow, methods)
    }

    private func log(_ refusal: Refusal, _ exchange: Exchange) {
        var metadata: Logger.Metadata = [
            "status": "\(refusal.reply.status.code)", "reason": "\(refusal.code)",
            "remote": "\(exchange.remoteAddress ?? "unknown")",
        ]
        if let detail = refusal.detail { metadata["detail"] = "\(detail)" }
        let level: Logger.Level = refusal.reply.status.kind == .serverError ? .error : .info
        logger.log(level: level, "refused a request", metadata: metadata)
    }
}

extension InboxResponder.Exchange {
    /// Tells a sender that waits for it to go on (RFC 9110, section 10.1.1). Called when all is checked that can be
    /// checked without the body.
    func proceed(_ writer: borrowing ResponseWriter) async {
        guard headers[.expect]?.lowercased() == "100-continue" else { return }
        // A connection that is gone shows when the body is read.
        try? await writer.writeInformationalHead(HTTPResponse(status: .continue))
    }
}
