internal import Fabric
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes

/// A request that came too slowly; ends the reading of its body.
struct SlowRequest: Error {}

/// Looks after one connection where HTTP meets the network: time limits, malformed requests, and a way to close that
/// lets the other side read its answer.
///
/// It sits between the HTTP codec and the code that answers. All of it runs on the connection's event loop.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: HTTPListenerLimits

    private var timer: Scheduled<Void>?
    private var pace: BodyPace
    /// Requests of which the head came and the answer did not go out yet.
    private var inFlight = 0
    private var isFirstRequest = true
    private var isBodyOpen = false
    private var closesAfterAnswer = false
    private var lingering: Lingering?

    /// How long, and for how many bytes, a side that was refused may go on sending before it is cut off. Closing at
    /// once would reset the connection, and the answer would be lost.
    private struct Lingering {
        static let time = TimeAmount.seconds(2)
        var budget = 64 << 20
    }

    init(limits: HTTPListenerLimits) {
        self.limits = limits
        pace = BodyPace(limits)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { expectHead(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        expectHead(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }
}

// MARK: - What comes in

extension ConnectionGuard {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if lingering != nil { return discard(unwrapInboundIn(data), context) }
        switch unwrapInboundIn(data) {
        case .head:
            timer?.cancel()
            inFlight += 1
            isFirstRequest = false
            isBodyOpen = true
            pace.start()
            watchBody(context)
        case .body(let bytes):
            pace.received(bytes.readableBytes)
        case .end:
            isBodyOpen = false
            timer?.cancel()
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        pace.asked()
        context.read()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pace.served()
        // Nobody else asks for more once the answer is out.
        if lingering != nil { context.read() } else { context.fireChannelReadComplete() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard lingering == nil else { return }
        if isBodyOpen || inFlight > 0 || !(error is HTTPParserError) {
            // Whoever reads the body learns that it is over.
            isBodyOpen = false
            closesAfterAnswer = true
            return context.fireErrorCaught(error)
        }
        answer(Self.refusal(of: error as? HTTPParserError), context)
    }

    /// A refusal where the head of a request could not be read.
    private static func refusal(of error: HTTPParserError?) -> Refusal {
        switch error {
        case .invalidContentLength?, .unexpectedContentLength?:
            Refusal(.lengthRequired, "length-required", "Content-Length is not a number")
        case .headerOverflow?:
            Refusal(.requestHeaderFieldsTooLarge, "header-too-large", "the header is too large")
        case .invalidMethod?: Refusal(.notImplemented, "unknown-method", "this method is not known here")
        case .invalidVersion?:
            Refusal(.init(code: 505, reasonPhrase: "HTTP Version Not Supported"), "bad-version", "speak HTTP/1.1")
        default: Refusal(.badRequest, "bad-request", "this is not an HTTP request")
        }
    }

    private func discard(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        guard case .body(let bytes) = part else {
            if case .end = part { context.close(promise: nil) }
            return
        }
        lingering?.budget -= bytes.readableBytes
        if lingering?.budget ?? 0 < 0 { context.close(promise: nil) }
    }
}

// MARK: - What goes out

extension ConnectionGuard {
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        if case .head(let head) = part, head.status.kind != .informational, head.headerFields[.connection] == "close" {
            closesAfterAnswer = true
        }
        context.write(data, promise: promise)
        guard case .end = part else { return }
        inFlight -= 1
        if closesAfterAnswer {
            context.flush()
            linger(context)
        } else if inFlight == 0, !isBodyOpen {
            expectHead(context)
        }
    }

    private func answer(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        inFlight += 1
        let head = refusal.reply.head(closing: true)
        write(context: context, data: wrapOutboundOut(.head(head)), promise: nil)
        let body = context.channel.allocator.buffer(string: refusal.reply.body)
        write(context: context, data: wrapOutboundOut(.body(body)), promise: nil)
        write(context: context, data: wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// The answer is out. The other side may still be sending: what comes is thrown away for a moment.
    private func linger(_ context: ChannelHandlerContext) {
        guard lingering == nil else { return }
        lingering = Lingering()
        timer?.cancel()
        context.close(mode: .output, promise: nil)
        schedule(context, after: Lingering.time) { $0.close(promise: nil) }
        context.read()
    }
}

// MARK: - Time

extension ConnectionGuard {
    /// The first request has `headerTime` to begin in; a connection that has served may lie idle for longer, and is then
    /// closed without a word, as nothing was asked.
    private func expectHead(_ context: ChannelHandlerContext) {
        timer?.cancel()
        let wait = isFirstRequest ? limits.headerTime : limits.idleTime
        let isFirst = isFirstRequest
        schedule(context, after: TimeAmount(wait)) { [self] context in
            guard isFirst else { return context.close(promise: nil) }
            answer(Refusal(.requestTimeout, "too-slow", "the header came too slowly"), context)
        }
    }

    private func watchBody(_ context: ChannelHandlerContext) {
        schedule(context, after: pace.untilNextLook) { [self] context in
            guard isBodyOpen, lingering == nil else { return }
            if pace.isTooSlow() {
                isBodyOpen = false
                closesAfterAnswer = true
                context.fireErrorCaught(SlowRequest())
            } else {
                watchBody(context)
            }
        }
    }

    private func schedule(
        _ context: ChannelHandlerContext, after time: TimeAmount, _ body: @escaping (ChannelHandlerContext) -> Void
    ) {
        let bound = NIOLoopBound((context, body), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: time) {
            let (context, body) = bound.value
            body(context)
        }
    }
}
