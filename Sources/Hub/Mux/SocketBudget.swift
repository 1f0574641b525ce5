internal import NIOCore

/// What the messages of one WebSocket take of the budget of bodies: from the first byte of each until it was dealt with.
/// On the event loop of its connection.
final class SocketBudget {
    private let budget: BodyBudget
    private let mayUseAll: Bool
    /// What was taken since the last whole message.
    private var open = 0
    /// What each whole message takes that was not dealt with yet, oldest first.
    private var waiting: [Int] = []

    /// - Parameter mayUseAll: Whether the sender is proven.
    init(_ budget: BodyBudget, mayUseAll: Bool) {
        self.budget = budget
        self.mayUseAll = mayUseAll
    }

    /// Takes what so many bytes cost; false where there is not that much left.
    func receive(_ count: Int) -> Bool {
        let cost = count * BodyBudget.jsonFactor
        guard budget.take(cost, mayUseAll: mayUseAll) else { return false }
        open += cost
        return true
    }

    /// A message is whole: what was taken since the last one is its cost.
    func complete() {
        waiting.append(open)
        open = 0
    }

    /// A frame that is not a message was dealt with.
    func drop() {
        guard waiting.isEmpty else { return }
        budget.give(open)
        open = 0
    }

    /// The oldest message was dealt with.
    func consume() {
        guard !waiting.isEmpty else { return }
        budget.give(waiting.removeFirst())
    }

    /// Gives everything back.
    func end() {
        budget.give(waiting.reduce(open, +))
        waiting = []
        open = 0
    }
}

/// Takes the bytes of a WebSocket from the budget before they are gathered into messages, and ends the connection where
/// nothing is left.
final class SocketIntake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let budget: SocketBudget

    init(_ budget: SocketBudget) { self.budget = budget }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard budget.receive(unwrapInboundIn(data).readableBytes) else {
            context.fireErrorCaught(SocketBudgetSpent())
            return
        }
        context.fireChannelRead(data)
    }
}

/// The budget of bodies has no room for what a WebSocket sends.
struct SocketBudgetSpent: Error {}
