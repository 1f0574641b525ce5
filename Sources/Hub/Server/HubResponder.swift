internal import Fabric
internal import HTTPServing
internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore

/// Answers requests: reads them, finds who answers, and writes what they say.
struct HubResponder: Sendable {
    let router: Router
    let sockets: MuxSockets
    let access: Access
    let browserGuard: BrowserGuard
    let limits: HubLimits
    let budget: BodyBudget
    let metrics: Metrics
    let logger: Logger

    /// Answers one request. Throws only when the connection is gone.
    func respond(_ request: Request, _ writer: consuming ResponseWriter, _ channel: any NIOCore.Channel) async throws {
        let began = ContinuousClock.now
        let transfer = TransferName.choose(request.headers)
        if MuxSockets.isOne(request.head) {
            return try await openSocket(request, writer, channel, transfer)
        }
        var closing = request.headers[.connection]?.lowercased() == "close"
        var reply: HubReply
        var name = "unknown"
        do throws(HubFault) {
            let (endpoint, exchange) = try await read(request, writer, channel, transfer)
            name = endpoint.path
            defer { budget.give(exchange.cost) }
            try await access.redeem(exchange)
            if endpoint.size == .message, exchange.body.count > RequestJSON.largestOnLoop {
                try await access.requireProof(of: exchange)
            }
            reply = try await endpoint.answer(exchange)
        } catch {
            reply = HubReply(error)
            if error.isOurs { log(error, request, transfer) }
            // What is left of the body is not wanted.
            if Self.announcesBody(request.head) { closing = true }
        }
        metrics.count(name, name == "unknown" ? .get : request.method, reply.status, took: ContinuousClock.now - began)
        logger.debug(
            "request",
            metadata: [
                "transfer": "\(transfer)", "method": "\(request.method)", "path": "\(name)",
                "status": "\(reply.status.code)", "remote": "\(Exchange.address(of: channel))",
            ])
        guard let undo = reply.undo else {
            return try await write(reply, to: writer, isHead: request.method == .head, closing, transfer)
        }
        guard await Self.isThere(channel) else { return await undo() }
        do {
            try await write(reply, to: writer, isHead: request.method == .head, closing, transfer)
        } catch {
            await undo()
            throw error
        }
    }

    /// Whether the other side still waits for its answer.
    private static func isThere(_ channel: any NIOCore.Channel) async -> Bool {
        let departure = Departure()
        let order = DepartureWatch.Order { departure.happened() }
        do {
            try await channel.triggerUserOutboundEvent(order)
        } catch {
            return false
        }
        return !departure.hasHappened && channel.isActive
    }

    private func openSocket(
        _ request: Request, _ writer: consuming ResponseWriter, _ channel: any NIOCore.Channel, _ transfer: String
    ) async throws {
        let acceptance: MuxSockets.Acceptance
        do throws(HubFault) {
            try refuseBrowsers(request.head)
            acceptance = try await sockets.accept(request.head, channel, transfer)
        } catch {
            return try await write(HubReply(error), to: writer, isHead: false, true, transfer)
        }
        await sockets.serve(acceptance, on: channel)
    }

    // MARK: - What comes

    /// - Throws: 403 for a request that a web page may have caused.
    private func refuseBrowsers(_ head: HTTPRequest) throws(HubFault) {
        do throws(ForeignRequest) { try browserGuard.check(head) } catch { throw HubFault(error) }
    }

    /// - Throws: 415 for a JSON body that is announced as something else.
    private static func checkContentType(_ endpoint: Endpoint, _ headers: HTTPFields) throws(HubFault) {
        guard case .json = endpoint.body else { return }
        for value in headers[values: .contentType] {
            let type = value.prefix { !";, \t".contains($0) }.lowercased()
            guard type == "application/json" || (type.hasPrefix("application/") && type.hasSuffix("+json")) else {
                throw HubFault(
                    .unsupportedMediaType,
                    "the body here is JSON, and Content-Type says '\(type.prefix(100))'; "
                        + "send it as application/json", code: "bad_type")
            }
        }
    }

    private func read(
        _ request: Request, _ writer: borrowing ResponseWriter, _ channel: any NIOCore.Channel, _ transfer: String
    ) async throws(HubFault) -> (Endpoint, Exchange) {
        // Before anything is refused: what is refused counts too.
        let admission = try access.counter.admit(request.headers, from: ClientAddress.counted(of: channel))
        try refuseBrowsers(request.head)
        guard let address = RequestAddress(request.head.path ?? "/") else {
            throw HubFault(.badRequest, "the path has an escape that is none", code: "bad_path")
        }
        let (endpoint, captures) = try router.find(request.method, address.segments)
        try Self.checkContentType(endpoint, request.headers)
        let (body, cost) = try await readBody(request, writer, of: endpoint, mayUseAll: admission.isKnown)
        return (
            endpoint,
            Exchange(
                head: request.head, address: address, captures: captures, body: body, admission: admission, cost: cost,
                channel: channel, transfer: transfer)
        )
    }

    private static func announcesBody(_ head: HTTPRequest) -> Bool {
        head.headerFields[.transferEncoding] != nil || (head.headerFields[.contentLength] ?? "0") != "0"
    }

    /// The whole body, and what was taken from the budget for it.
    private func readBody(
        _ request: Request, _ writer: borrowing ResponseWriter, of endpoint: Endpoint, mayUseAll: Bool
    ) async throws(HubFault) -> (bytes: [UInt8], cost: Int) {
        let limit = limits.bytes(endpoint.size)
        let factor = endpoint.size == .piece ? BodyBudget.bytesFactor : BodyBudget.jsonFactor
        let announced = request.headers[.contentLength].flatMap { Int($0) }
        if let announced, announced > limit { throw .tooLarge(limit: limit) }
        if request.headers[.expect]?.lowercased() == "100-continue" {
            // A connection that is gone shows when the body is read.
            try? await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        var bytes: [UInt8] = []
        if let announced, announced > 0 { bytes.reserveCapacity(announced) }
        var isComplete = false
        defer { if !isComplete { budget.give(bytes.count * factor) } }
        var iterator = request.body.makeAsyncIterator()
        while let piece = try await Self.next(&iterator) {
            guard bytes.count + piece.readableBytes <= limit else { throw .tooLarge(limit: limit) }
            guard budget.take(piece.readableBytes * factor, mayUseAll: mayUseAll) else {
                throw HubFault(.serviceUnavailable, "too much is coming in at once", code: "busy")
                    .with(.retryAfter, "1")
            }
            bytes.append(contentsOf: piece.readableBytesView)
        }
        if let announced, bytes.count < announced {
            throw HubFault(.badRequest, "the body is shorter than it was announced to be", code: "short_body")
        }
        isComplete = true
        return (bytes, bytes.count * factor)
    }

    private static func next(_ iterator: inout RequestBody.AsyncIterator) async throws(HubFault) -> ByteBuffer? {
        do {
            return try await iterator.next()
        } catch is SlowRequest {
            throw HubFault(.requestTimeout, "the body came too slowly", code: "too_slow")
        } catch {
            throw HubFault(.badRequest, "the body cannot be read", code: "short_body")
        }
    }

    // MARK: - What goes

    private func write(
        _ reply: HubReply, to writer: consuming ResponseWriter, isHead: Bool, _ closing: Bool, _ transfer: String
    ) async throws {
        var head = HTTPResponse(status: reply.status, headerFields: reply.headers)
        if let name = HTTPField.Name(TransferName.field) { head.headerFields[name] = transfer }
        if closing { head.headerFields[.connection] = "close" }
        switch reply.body {
        case .text(let text, let type):
            head.headerFields[.contentType] = type
            head.headerFields[.contentLength] = String(text.utf8.count)
            try await writer.write(
                response: head, body: isHead ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(string: text)))
        case .pieces(let type, let length, let write):
            head.headerFields[.contentType] = type
            if let length { head.headerFields[.contentLength] = String(length) }
            guard !isHead else { return try await writer.writeResponse(head) }
            var body: any ResponseBodyWriter = try await writer.writeHead(head)
            try await write(&body)
            try await body.finish(nil)
        }
    }

    private func log(_ fault: HubFault, _ request: Request, _ transfer: String) {
        var metadata: Logger.Metadata = [
            "transfer": "\(transfer)", "method": "\(request.method)", "status": "\(fault.status.code)",
            "path": "\(request.head.path?.prefix(200) ?? "")",
        ]
        if let cause = fault.cause { metadata["cause"] = "\(cause)" }
        logger.error("a request failed", metadata: metadata)
    }
}
