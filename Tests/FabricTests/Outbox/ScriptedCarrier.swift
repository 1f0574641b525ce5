import Synchronization

@testable import Fabric

/// A carrier whose answers a test writes beforehand, and that counts what it is asked.
final class ScriptedCarrier: Carrier {
    static let schemes = ["fake"]

    enum Answer: Sendable {
        case receipt(ReceiptStrength)
        case failure(CarrierError.Kind, CarrierError.Remedy)
        /// Nothing, until the test opens the gate or the task is cancelled.
        case hang
    }

    private struct State {
        var answers: [String: [Answer]] = [:]
        var asked: [String] = []
        var underWay: [Digest: Int] = [:]
        var mostAtOnce = 0
        var gates: [AsyncStream<Void>.Continuation] = []
    }

    let traits: CarrierTraits
    private let state = Mutex(State())
    private let arrivals = AsyncStream.makeStream(of: String.self)

    init(strongest: ReceiptStrength = .verified, largest: Int64? = nil) {
        traits = CarrierTraits(
            strongestReceipt: strongest, largestEnvelope: largest, inFlight: 8, publishesAtomically: true)
    }

    /// Answers along `address`, the first one first. The last one is given again and again.
    func answer(_ address: String = "one", _ answers: Answer...) {
        state.withLock { $0.answers[address] = answers }
    }

    /// The addresses that were tried, in order.
    var asked: [String] { state.withLock { $0.asked } }

    /// How many attempts of one and the same envelope there were at once.
    var mostAtOnce: Int { state.withLock { $0.mostAtOnce } }

    /// Returns when an attempt begins.
    func begun() async -> String? {
        var iterator = arrivals.stream.makeAsyncIterator()
        return await iterator.next()
    }

    /// Lets those through that hang.
    func openGate() {
        for gate in state.withLock({ $0.gates }) { gate.finish() }
    }

    func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        let answer = state.withLock { state in
            state.asked.append(route.address)
            state.underWay[envelope.digest, default: 0] += 1
            state.mostAtOnce = max(state.mostAtOnce, state.underWay[envelope.digest] ?? 0)
            let answers = state.answers[route.address] ?? [.receipt(.stored)]
            if answers.count > 1 { state.answers[route.address] = Array(answers.dropFirst()) }
            return answers[0]
        }
        defer { state.withLock { $0.underWay[envelope.digest, default: 1] -= 1 } }
        let (gate, continuation) = AsyncStream.makeStream(of: Void.self)
        state.withLock { $0.gates.append(continuation) }
        arrivals.continuation.yield(route.address)
        switch answer {
        case .receipt(let strength): return receipt(strength, envelope, route)
        case .failure(let kind, let action): throw CarrierError(kind, action, "\(route) said \(kind.name)")
        case .hang:
            for await _ in gate {}
            if Task.isCancelled { throw CarrierError(.cancelled, .retry(after: nil), "it was cancelled") }
            return receipt(.stored, envelope, route)
        }
    }

    private func receipt(_ strength: ReceiptStrength, _ envelope: SealedEnvelope, _ route: Route) -> DeliveryReceipt {
        DeliveryReceipt(
            strength: strength, route: route, storedName: envelope.name.text, farDigest: envelope.digest)
    }
}

/// A planner that knows what a test tells it.
struct ScriptedPlanner: RoutePlanner {
    var routes: [String: [PlannedRoute]] = [:]
    var failure: CarrierError?
    var receiver: RoutePlan.Receiver?

    func plan(for target: DeliveryTarget) async throws(CarrierError) -> RoutePlan {
        if let failure { throw failure }
        let address = String(target.text.split(separator: ":").last ?? "")
        let single = PlannedRoute(Route(scheme: "fake", address: address), origin: .commandLine)
        return RoutePlan(routes: routes[target.text] ?? [single], receiver: receiver)
    }
}

/// Routes of the scripted carrier.
func fakeRoutes(_ addresses: String...) -> [PlannedRoute] {
    addresses.map { PlannedRoute(Route(scheme: "fake", address: $0), origin: .convention) }
}
