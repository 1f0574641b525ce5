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
        case text(String)
        case binary
    }

    private static let mostWaiting = 32
    private static let pingInterval = TimeAmount.seconds(30)
    private let events: AsyncStream<Event>.Continuation
    private var waiting = 0
    private var wantsRead = false
    private var isClosing = false
    private var heardSincePing = true
    private var pinging: RepeatedTask?

    init(_ events: AsyncStream<Event>.Continuation) { self.events = events }

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
            // Checked by the decoder: a text that is no UTF-8 ends the connection there.
            events.yield(.text(bytes.readString(length: bytes.readableBytes) ?? ""))
        case .binary:
            waiting += 1
            events.yield(.binary)
        case .ping: write(context, .pong, frame.unmaskedData)
        case .connectionClose:
            var code = frame.unmaskedData
            let answer = code.readSlice(length: min(2, code.readableBytes)) ?? ByteBuffer()
            close(context, answer)
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {}

    func read(context: ChannelHandlerContext) {
        if waiting < Self.mostWaiting { context.read() } else { wantsRead = true }
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
        case is NIOWebSocketError, is NIOWebSocketFrameAggregator.Error: leave(context, .protocolError)
        default: context.close(promise: nil)
        }
    }

    /// Another message was dealt with.
    func consumed(_ context: ChannelHandlerContext) {
        waiting -= 1
        guard wantsRead, waiting < Self.mostWaiting else { return }
        wantsRead = false
        context.read()
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
        context.writeAndFlush(
            wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)), promise: nil)
    }

    private func end(_ context: ChannelHandlerContext) {
        pinging?.cancel()
        pinging = nil
        events.finish()
    }
}
