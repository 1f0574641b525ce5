internal import NIOCore
internal import NIOHTTPTypes
internal import Synchronization

/// Notices that the other side of a connection has gone, for whoever is about to answer it.
///
/// A side that ends its sending counts as gone: who waits for an answer keeps the connection open.
final class DepartureWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Sent out to a pipeline to be told once of the departure; nil to be told no more.
    struct Order: Sendable {
        let notify: (@Sendable () -> Void)?
    }

    private var notify: (@Sendable () -> Void)?
    private var hasLeft = false

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let order = event as? Order else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        notify = order.notify
        if hasLeft { tell() }
        promise?.succeed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { leave() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    private func leave() {
        hasLeft = true
        tell()
    }

    private func tell() {
        notify?()
        notify = nil
    }
}

/// Whether the other side has gone, for who only wants to know.
final class Departure: Sendable {
    private let flag = Atomic(false)

    /// Whether it has.
    var hasHappened: Bool { flag.load(ordering: .relaxed) }

    /// It has.
    func happened() { flag.store(true, ordering: .relaxed) }
}
