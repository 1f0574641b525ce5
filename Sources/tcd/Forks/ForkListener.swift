internal import Fabric
internal import Synchronization
internal import UnixSignals

/// Takes forks from wherever they come, one after the other, until there were enough, time is up, or somebody presses
/// Ctrl-C.
final class ForkListener: Sendable {
    /// Where forks come from: offers each to `take`, until it is cancelled or can go on no more.
    typealias Source =
        @Sendable (_ take: @escaping @Sendable (OfferedFork) async -> ForkDesk.Outcome) async throws -> Void

    /// How it ended.
    enum Ending: Sendable {
        case enough
        case timeIsUp
        case interrupted
        case failed(any Error)
    }

    private let desk: ForkDesk
    private let wanted: Int?
    private let turn = Turn()
    private let taken = Mutex(0)

    /// How many were taken so far.
    var count: Int { taken.withLock { $0 } }

    /// - Parameter wanted: How many are enough; nil for as many as come.
    init(_ desk: ForkDesk, wanted: Int?) {
        self.desk = desk
        self.wanted = wanted
    }

    /// Listens, and returns when everything has stopped. What was being worked on is finished, unless a signal came.
    func run(_ sources: [Source], for span: Duration?) async -> Ending {
        await withTaskGroup(of: Ending?.self) { group in
            for source in sources {
                group.addTask { [self] in
                    do {
                        try await source { await self.take($0) }
                        return isEnough ? .enough : nil
                    } catch {
                        return Task.isCancelled ? nil : .failed(error)
                    }
                }
            }
            group.addTask { [desk] in
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                    desk.isStopping.set()
                    return .interrupted
                }
                return nil
            }
            if let span {
                group.addTask { (try? await Task.sleep(for: span)) == nil ? nil : .timeIsUp }
            }
            var ending: Ending?
            for await end in group {
                guard let end else { continue }
                if ending == nil { ending = end }
                group.cancelAll()
            }
            return ending ?? .timeIsUp
        }
    }

    private var isEnough: Bool { wanted.map { count >= $0 } ?? false }

    /// Takes one offer when it is its turn. What comes after the end goes back.
    private func take(_ offer: OfferedFork) async -> ForkDesk.Outcome {
        await turn.wait()
        defer { turn.end() }
        guard !Task.isCancelled, !isEnough else {
            try? await offer.settle(.release(after: .zero))
            return .postponed
        }
        // Not cancelled with this task: what was begun is finished, or stopped by the flag.
        let desk = desk
        let outcome = await Task { await desk.take(offer) }.value
        if outcome == .taken { taken.withLock { $0 += 1 } }
        if isEnough { withUnsafeCurrentTask { $0?.cancel() } }
        return outcome
    }
}

/// Lets one after the other.
private final class Turn: Sendable {
    private struct State: Sendable {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func wait() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.isTaken { state.waiting.append(continuation) }
                defer { state.isTaken = true }
                return !state.isTaken
            }
            if isFree { continuation.resume() }
        }
    }

    func end() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.isTaken = false
            return nil
        }
        next?.resume()
    }
}
