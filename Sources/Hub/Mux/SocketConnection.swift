internal import Crypto
internal import FoundationEssentials
internal import HTTPServing
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypesHTTP1
internal import NIOWebSocket

/// A connection that speaks WebSocket (RFC 6455) from now on.
struct SocketConnection: Sendable {
    /// The messages of the other side, until it or this side leaves.
    let events: AsyncStream<SocketBridge.Event>

    private let channel: any NIOCore.Channel
    private let bridge: NIOLoopBound<(SocketBridge, ChannelHandlerContext)>

    /// Takes HTTP out of a connection's pipeline and WebSocket in, and then writes the answer that tells the other side so:
    /// what it sends at once on reading that must find WebSocket here.
    static func take(
        _ channel: any NIOCore.Channel, answering head: HTTPResponse, largestMessage: Int, budget: BodyBudget,
        mayUseAll: Bool
    ) async throws -> SocketConnection {
        try await channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let (events, continuation) = AsyncStream<SocketBridge.Event>.makeStream()
            let budget = SocketBudget(budget, mayUseAll: mayUseAll)
            let bridge = SocketBridge(continuation, budget)
            let encoder = try pipeline.handler(type: HTTPResponseEncoder.self)
            let frames = WebSocketFrameEncoder()
            try pipeline.addHandlers(
                [
                    frames,
                    SocketIntake(budget),
                    ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: largestMessage)),
                    NIOWebSocketFrameAggregator(
                        minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
                        maxAccumulatedFrameSize: largestMessage),
                    bridge,
                ], position: .before(encoder))
            pipeline.removeHandler(encoder, promise: nil)
            pipeline.removeHandler(
                try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self), promise: nil)
            pipeline.removeHandler(try pipeline.handler(type: HTTP1ToHTTPServerCodec.self), promise: nil)
            pipeline.removeHandler(try pipeline.handler(type: ConnectionGuard.self), promise: nil)
            pipeline.removeHandler(try pipeline.handler(type: DepartureWatch.self), promise: nil)
            pipeline.removeHandler(try pipeline.handler(type: HTTPConnectionStateHandler.self), promise: nil)
            // From here it goes out as it is, past what encodes frames.
            try pipeline.context(handler: frames).writeAndFlush(NIOAny(serialized(head)), promise: nil)
            let context = try pipeline.context(handler: bridge)
            return SocketConnection(
                events: events, channel: channel,
                bridge: NIOLoopBound((bridge, context), eventLoop: channel.eventLoop))
        }.get()
    }

    /// The answer that turns HTTP into WebSocket; nil unless the request asks for that in all forms.
    static func acceptance(of head: HTTPRequest) -> HTTPResponse? {
        func field(_ name: String) -> String? { HTTPField.Name(name).flatMap { head.headerFields[$0] } }
        guard head.method == .get, field("Upgrade")?.lowercased() == "websocket",
            field("Connection")?.lowercased().contains("upgrade") == true,
            field("Sec-WebSocket-Version") == "13", let key = field("Sec-WebSocket-Key"),
            Data(base64Encoded: key)?.count == 16
        else { return nil }
        // The constant is the protocol's own (RFC 6455, section 4.2.2).
        let proof = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        var fields: HTTPFields = [:]
        fields[.connection] = "Upgrade"
        for (name, value) in [("Upgrade", "websocket"), ("Sec-WebSocket-Accept", Data(proof).base64EncodedString())] {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return HTTPResponse(status: .switchingProtocols, headerFields: fields)
    }

    private static func serialized(_ head: HTTPResponse) -> ByteBuffer {
        let fields = head.headerFields.map { "\($0.name.rawName): \($0.value)\r\n" }.joined()
        return ByteBuffer(string: "HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\n\(fields)\r\n")
    }

    /// Sends a text.
    func send(_ text: String) {
        channel.eventLoop.execute { [bridge] in
            let (bridge, context) = bridge.value
            bridge.send(text, context)
        }
    }

    /// Says that a message was dealt with, so that more may come.
    func consumed() {
        channel.eventLoop.execute { [bridge] in
            let (bridge, context) = bridge.value
            bridge.consumed(context)
        }
    }

    /// Leaves in good order.
    func close(_ code: WebSocketErrorCode) {
        channel.eventLoop.execute { [bridge] in
            let (bridge, context) = bridge.value
            bridge.leave(context, code)
        }
    }
}
