internal import NIOCore
internal import NIOWebSocket

/// The end of a WebSocket's pipeline: takes messages off it and puts answers onto it.
///
/// It swallows everything, as what stands behind it in the pipeline still thinks that HTTP is spoken. Reading stops while
/// messages wait to be dealt with.
final class SocketBridge: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = Never
    typealias OutboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    /// What comes from the other side.
    enum Event: Sendable {
        case text([UInt8])
        case binary
    }

    private static let mostWaiting = 32
    /// How many bytes may wait to be sent; a connection whose other side does not read is ended there.
    private static let mostUnsent = 1 << 20
    private let budget: SocketBudget
    private var unsent = 0
    private static let pingInterval = TimeAmount.seconds(30)
    private let events: AsyncStream<Event>.Continuation
    private var waiting = 0
    private var wantsRead = false
    private var isClosing = false
    private var heardSincePing = true
    private var pinging: RepeatedTask?

    init(_ events: AsyncStream<Event>.Continuation, _ budget: SocketBudget) {
        self.events = events
        self.budget = budget
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        pinging = context.eventLoop.scheduleRepeatedTask(initialDelay: Self.pingInterval, delay: Self.pingInterval) {
            _ in
            let (bridge, context) = bound.value
            bridge.ping(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end(context) }

    func channelInactive(context: ChannelHandlerContext) {
        end(context)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        heardSincePing = true
        switch frame.opcode {
        case .text:
            waiting += 1
            var bytes = frame.unmaskedData
            budget.complete()
            events.yield(.text(bytes.readBytes(length: bytes.readableBytes) ?? []))
        case .binary:
            waiting += 1
            budget.complete()
            events.yield(.binary)
        case .ping:
            budget.drop()
            write(context, .pong, frame.unmaskedData)
        case .connectionClose:
            var code = frame.unmaskedData
            let answer = code.readSlice(length: min(2, code.readableBytes)) ?? ByteBuffer()
            close(context, answer)
        default: budget.drop()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {}

    func read(context: ChannelHandlerContext) {
        if mayRead(context) { context.read() } else { wantsRead = true }
    }

    /// No more is read while messages wait to be dealt with, or answers to be sent.
    private func mayRead(_ context: ChannelHandlerContext) -> Bool {
        waiting < Self.mostWaiting && context.channel.isWritable
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        readAgain(context)
        context.fireChannelWritabilityChanged()
    }

    private func readAgain(_ context: ChannelHandlerContext) {
        guard wantsRead, mayRead(context) else { return }
        wantsRead = false
        context.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            end(context)
            context.close(promise: nil)
        case is ChannelShouldQuiesceEvent: leave(context, .goingAway)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength: leave(context, .messageTooLarge)
        // Try again later (RFC 6455, section 7.4, and the registry that it founded).
        case is SocketBudgetSpent: leave(context, .unknown(1013))
        case is NIOWebSocketError, is NIOWebSocketFrameAggregator.Error: leave(context, .protocolError)
        default: context.close(promise: nil)
        }
    }

    /// Another message was dealt with.
    func consumed(_ context: ChannelHandlerContext) {
        waiting -= 1
        budget.consume()
        readAgain(context)
    }

    /// Sends a text.
    func send(_ text: String, _ context: ChannelHandlerContext) {
        guard !isClosing else { return }
        write(context, .text, ByteBuffer(string: text))
    }

    /// Says that this side leaves, and why.
    func leave(_ context: ChannelHandlerContext, _ code: WebSocketErrorCode) {
        var data = ByteBuffer()
        data.write(webSocketErrorCode: code)
        close(context, data)
    }

    private func close(_ context: ChannelHandlerContext, _ data: ByteBuffer) {
        guard !isClosing else { return }
        write(context, .connectionClose, data)
        isClosing = true
        end(context)
        context.close(promise: nil)
    }

    private func ping(_ context: ChannelHandlerContext) {
        guard heardSincePing else { return context.close(promise: nil) }
        heardSincePing = false
        write(context, .ping, ByteBuffer())
    }

    private func write(_ context: ChannelHandlerContext, _ opcode: WebSocketOpcode, _ data: ByteBuffer) {
        let count = data.readableBytes
        unsent += count
        guard unsent <= Self.mostUnsent || opcode == .connectionClose else { return context.close(promise: nil) }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenComplete { _ in bound.value.unsent -= count }
        context.writeAndFlush(
            wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)), promise: sent)
    }

    private func end(_ context: ChannelHandlerContext) {
        pinging?.cancel()
        pinging = nil
        events.finish()
        budget.end()
    }
}
