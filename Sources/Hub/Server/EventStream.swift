internal import Fabric
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore

/// Server-sent events: one answer that goes on for as long as somebody reads it.
enum EventStream {
    /// How often a comment is sent, so that nobody on the way takes the connection for dead.
    static let heartbeat = Duration.seconds(15)

    /// One event.
    struct Event: Sendable {
        let name: String
        let data: JSONObject

        /// The lines of the event, with the empty one that ends it.
        var text: String { "event: \(name)\ndata: \(JSONValue.object(data).text(.compact))\n\n" }
    }

    /// An answer that begins with `first`, and then says what `next` finds each time that `mailbox` was rung.
    ///
    /// - Parameter next: Asked once for each ring; an empty answer is not told.
    static func reply(
        _ exchange: Exchange, at mailbox: MailboxName, of bell: Bell, first: [Event],
        next: @escaping @Sendable () async throws(HubFault) -> [Event]
    ) -> HubReply {
        let write: @Sendable (inout any ResponseBodyWriter) async throws -> Void = { writer in
            let waiter = Waiter()
            bell.add(waiter, at: mailbox)
            exchange.watchDeparture { waiter.end() }
            defer {
                bell.remove(waiter, at: mailbox)
                exchange.watchDeparture(nil)
            }
            try await send(first, &writer)
            // What came before anybody listened.
            waiter.ring()
            while true {
                let timer = waiter.limit(heartbeat, on: exchange.channel.eventLoop)
                defer { timer.cancel() }
                switch await waiter.next() {
                case .rung: try await send(try await next(), &writer)
                case .overdue:
                    waiter.renew()
                    try await writer.write(ByteBuffer(string: ": still here\n\n"))
                case .ended: return
                }
            }
        }
        return HubReply(
            headers: [.cacheControl: "no-store"], body: .pieces(type: "text/event-stream", length: nil, write))
    }

    private static func send(_ events: [Event], _ writer: inout any ResponseBodyWriter) async throws {
        guard !events.isEmpty else { return }
        try await writer.write(ByteBuffer(string: events.map(\.text).joined()))
    }
}
