internal import HTTPTypes
package import NIOCore
internal import NIOHTTP1
package import NIOHTTPTypes

/// A request that came too slowly; ends the reading of its body.
package struct SlowRequest: Error {}

/// Asks the guard of a connection for a higher least rate of the body that is coming: `triggerUserOutboundEvent`.
package struct LeastRate: Sendable {
    /// Averaged over `ServingLimits.idleTime`.
    package let bytesPerSecond: Int

    /// A rate.
    package init(bytesPerSecond: Int) { self.bytesPerSecond = bytesPerSecond }
}

/// Looks after one connection where HTTP meets the network: time limits, malformed requests, and a way to close that
/// lets the other side read its answer.
///
/// It sits between the HTTP codec and the code that answers. All of it runs on the connection's event loop.
package final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPRequestPart
    package typealias InboundOut = HTTPRequestPart
    package typealias OutboundIn = HTTPResponsePart
    package typealias OutboundOut = HTTPResponsePart

    private let limits: ServingLimits
    private let wording: EarlyRefusal.Wording

    private var timer: Scheduled<Void>?
    private var pace: BodyPace
    /// Requests of which the head came and the answer did not go out yet.
    private var inFlight = 0
    private var isFirstRequest = true
    private var isBodyOpen = false
    private var closesAfterAnswer = false
    private var lingering: Lingering?
    /// Whether this is one stream of an HTTP/2 connection, which ends with its answer.
    private var isStream = false
    private var stalledWrite: Scheduled<Void>?

    /// How long, and for how many bytes, a side that was refused may go on sending before it is cut off. Closing at
    /// once would reset the connection, and the answer would be lost.
    private struct Lingering {
        static let time = TimeAmount.seconds(2)
        var budget = 64 << 20
    }

    /// A guard for one connection.
    ///
    /// - Parameters:
    ///   - limits: How slow the other side may be.
    ///   - wording: How refusals are worded that nobody else gets to see.
    package init(limits: ServingLimits, wording: @escaping EarlyRefusal.Wording) {
        self.limits = limits
        self.wording = wording
        pace = BodyPace(limits)
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        // The parent of a connection is what listens; the parent of a stream is a connection.
        isStream = context.channel.parent?.parent != nil
        if context.channel.isActive { expectHead(context) }
    }

    package func channelActive(context: ChannelHandlerContext) {
        expectHead(context)
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        handlerRemoved(context: context)
        context.fireChannelInactive()
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        stalledWrite?.cancel()
    }
}

// MARK: - What comes in

extension ConnectionGuard {
    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
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

    package func read(context: ChannelHandlerContext) {
        pace.asked()
        context.read()
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        pace.served()
        // Nobody else asks for more once the answer is out.
        if lingering != nil { context.read() } else { context.fireChannelReadComplete() }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard lingering == nil else { return }
        if isBodyOpen || inFlight > 0 || !(error is HTTPParserError) {
            // Whoever reads the body learns that it is over.
            isBodyOpen = false
            closesAfterAnswer = true
            return context.fireErrorCaught(error)
        }
        answer(EarlyRefusal(of: error as? HTTPParserError), context)
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
    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        var part = unwrapOutboundIn(data)
        if case .head(var head) = part, head.status.kind != .informational, head.headerFields[.connection] == "close" {
            closesAfterAnswer = true
            // No field of HTTP/2 (RFC 9113, section 8.2.2).
            head.headerFields[.connection] = isStream ? nil : "close"
            part = .head(head)
        }
        context.write(wrapOutboundOut(part), promise: promise)
        guard case .end = part else { return }
        inFlight -= 1
        guard !isStream else { return }
        if closesAfterAnswer {
            context.flush()
            linger(context)
        } else if inFlight == 0, !isBodyOpen {
            expectHead(context)
        }
    }

    /// An answer that is not fetched is held in memory, so this takes part of the time limits as well.
    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        stalledWrite?.cancel()
        stalledWrite = nil
        if !context.channel.isWritable {
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            stalledWrite = context.eventLoop.scheduleTask(in: TimeAmount(limits.idleTime)) {
                bound.value.close(promise: nil)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    package func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard let rate = event as? LeastRate else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        pace.require(rate.bytesPerSecond)
        promise?.succeed(())
    }

    private func answer(_ refusal: EarlyRefusal, _ context: ChannelHandlerContext) {
        inFlight += 1
        let text = wording(refusal)
        write(context: context, data: wrapOutboundOut(.head(refusal.head(for: text))), promise: nil)
        let body = context.channel.allocator.buffer(string: text)
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
        guard !isStream || isFirstRequest else { return }
        let wait = isFirstRequest ? limits.headerTime : limits.idleTime
        let isFirst = isFirstRequest
        schedule(context, after: TimeAmount(wait)) { [self] context in
            guard isFirst else { return context.close(promise: nil) }
            answer(.slowHeader, context)
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
