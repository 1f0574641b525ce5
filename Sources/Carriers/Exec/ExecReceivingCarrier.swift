public import Fabric

/// A plug-in that also hands over what others left for us.
public struct ExecReceivingCarrier: ResumableCarrier, ProbingCarrier, ReceivingCarrier, SelectiveCarrier {
    /// None: each carrier has the name of its plug-in.
    public static let schemes: [String] = []
    public var schemes: [String] { sender.schemes }
    public var traits: CarrierTraits { sender.traits }
    /// The same plug-in, as a carrier that delivers.
    public let sender: ExecCarrier

    init(_ sender: ExecCarrier) { self.sender = sender }

    public func offers(_ power: CarrierPower) -> Bool { sender.offers(power) }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        try await sender.deliver(envelope, along: route, reporting: progress)
    }

    public func bytesHeld(of envelope: SealedEnvelope, along route: Route) async throws(CarrierError) -> Int64 {
        try await sender.bytesHeld(of: envelope, along: route)
    }

    public func probe(_ route: Route) async throws(CarrierError) { try await sender.probe(route) }

    public func nextArrival(along route: Route) async throws(CarrierError) -> any Arrival {
        try sender.check(route)
        while true {
            switch try await ask(along: route) {
            case .nothing(let pause):
                do { try await Task.sleep(for: pause) } catch { throw .cancelled(sender.plugin) }
            case .arrival(let arrival):
                guard Task.isCancelled else { return arrival }
                try? await arrival.settle(.release(after: .zero))
                throw .cancelled(sender.plugin)
            case .impossible(let id, let why):
                // Settled, so that it does not come again and again in front of the others.
                let refusal = ExecArrival.request(id, .refuse(why), along: route)
                _ = try await sender.ask(refusal, for: "settled")
            }
        }
    }

    private enum Answer: Sendable {
        case nothing(Duration)
        case arrival(ExecArrival)
        case impossible(id: String, String)
    }

    /// How long to wait before asking again, where the plug-in does not say.
    private static let pause = Duration.seconds(1)

    /// Asks for one arrival.
    private func ask(along route: Route) async throws(CarrierError) -> Answer {
        var request = PluginRequest(.arrivals, address: route.address)
        request.limit = 1
        let plugin = sender.plugin
        return try await BlockingCall.run { [request] isCancelled throws(CarrierError) in
            var answer = Answer.nothing(Self.pause)
            var isFirst = true
            try sender.session(isCancelled).run(request) { message, _ throws(CarrierError) in
                switch message.type {
                case "arrival":
                    guard isFirst else { throw .misbehaved(plugin, "handed over more arrivals than it was asked for") }
                    isFirst = false
                    answer = try arrival(message, along: route)
                    return .goOn
                case "done":
                    if isFirst, let pause = message.retryAfter { answer = .nothing(max(pause, .milliseconds(50))) }
                    return .finish
                case "error": throw CarrierError(message, from: plugin)
                default: throw .misbehaved(plugin, "answered 'arrivals' with '\(message.type.prefix(40))'")
                }
            }
            return answer
        }
    }

    private func arrival(_ message: PluginMessage, along route: Route) throws(CarrierError) -> Answer {
        guard let id = message.id, !id.isEmpty, id.utf8.count <= 1024, !id.utf8.contains(0) else {
            throw .misbehaved(sender.plugin, "handed over an arrival without an id")
        }
        guard let name = message.name.flatMap({ ArrivalName($0) }) else {
            return .impossible(id: id, "impossible name")
        }
        guard let digest = message.digest.flatMap({ Digest(hex: $0) }), let size = message.size, size >= 0,
            let path = message.path, path.hasPrefix("/"), !path.utf8.contains(0)
        else { return .impossible(id: id, "impossible digest, size or path") }
        return .arrival(
            ExecArrival(
                carrier: sender, route: route, id: id, path: path, requestedName: name, claimedDigest: digest,
                size: size,
                lease: message.leaseSeconds.map { .seconds(max(1, min($0, 86_400))) }))
    }
}
