public import Fabric
internal import HubClient
internal import Synchronization
internal import SystemPackage

/// Carries envelopes through a server of mailboxes (`ipoll.md`, section 9; `cep.md`, section 6.1): the bytes as a blob at
/// our hub, or as a file at the peers', and beside them a PUSH that names and references them.
///
/// A route's address is `<server URL>#<agent>`. A receipt says `accepted`: the server has taken charge. Nothing that a
/// message claims of an envelope is ever believed, and no reference is ever followed.
public struct IPollCarrier: ProbingCarrier, ResumableCarrier, ReceivingCarrier {
    public static let schemes = ["ipoll"]

    public let traits: CarrierTraits

    private let gate: DeliveryGate
    private let configuration: IPollCarrierConfiguration
    private let connections: HubConnections
    private let mailboxes = OpenMailboxes()

    /// How many deliveries are under way at once.
    private static let inFlight = 16

    /// A carrier that keeps its connections for as long as it, or a copy of it, lives.
    public init(configuration: IPollCarrierConfiguration) {
        self.configuration = configuration
        connections = HubConnections(configuration: configuration.requests.hub)
        gate = DeliveryGate(limit: Self.inFlight)
        traits = CarrierTraits(
            strongestReceipt: .accepted, largestEnvelope: configuration.largestEnvelope, inFlight: Self.inFlight,
            publishesAtomically: true)
    }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        try await gate.pass(to: route) { () throws(CarrierError) in
            if let limit = traits.largestEnvelope, envelope.size > limit {
                throw CarrierError(
                    .tooLarge(limit: limit), .tryNextRoute,
                    "cannot deliver to '\(route)': the envelope is larger than the \(limit) bytes that are allowed")
            }
            let place = try HubRoute(route, scheme: "ipoll")
            let delivery = IPollDelivery(
                envelope: envelope, route: route, receiver: place.agent, client: try client(of: place, as: sender()),
                largestFile: configuration.largestFile)
            return try await delivery.deliver(reporting: DeliveryProgress(progress, size: envelope.size))
        }
    }

    public func bytesHeld(of envelope: SealedEnvelope, along route: Route) async throws(CarrierError) -> Int64 {
        let place = try HubRoute(route, scheme: "ipoll")
        let client = try client(of: place, as: sender())
        guard envelope.size > 0, try await client.features().isHub else { return 0 }
        let hub = client.hub("cannot ask what is held for '\(place.agent)'")
        return try await BlobUpload(envelope, for: place.agent, by: hub).announce().received
    }

    public func probe(_ route: Route) async throws(CarrierError) {
        let place = try HubRoute(route, scheme: "ipoll")
        // What the server said a while ago says nothing of now.
        _ = try await client(of: place, as: place.agent).status()
    }

    public func nextArrival(along route: Route) async throws(CarrierError) -> any Arrival {
        let place = try HubRoute(route, scheme: "ipoll")
        let mailbox = try mailboxes.mailbox(of: route) { () throws(CarrierError) in try open(place) }
        while true {
            let poll = try await mailbox.next()
            let offer = EnvelopeOffer(poll, at: place, over: connections)
            switch offer {
            case .arrival(let arrival): return arrival
            case .reference(let reference): try await take(reference, poll)
            case .unusable(let why): try await settle(poll, .refuse(why))
            }
        }
    }

    // MARK: - References

    /// For how long a reference that nobody here writes down is left to others.
    private static let patience = Duration.seconds(3600)

    private func take(_ reference: EnvelopeReference, _ poll: HeldPoll) async throws(CarrierError) {
        guard let references = configuration.references else {
            return try await settle(poll, .release(after: Self.patience))
        }
        do throws(SystemFailure) {
            try await BlockingCall.run { _ throws(SystemFailure) in try references.record(reference) }
        } catch {
            try? await poll.settle(.release(after: .seconds(30)))
            throw CarrierError(
                .full, .retry(after: nil), "cannot write down what was referenced: \(error.explanation)",
                remedy: error.remedy)
        }
        configuration.noteReference(reference)
        try await settle(poll, .commit)
    }

    private func settle(_ poll: HeldPoll, _ settlement: Settlement) async throws(CarrierError) {
        do throws(SettlementError) {
            try await poll.settle(settlement)
        } catch {
            // Lost or settled by another: it comes again, or is none of ours any more.
            guard case .notTold(let reason) = error else { return }
            throw reason
        }
    }

    // MARK: - Who asks

    private func sender() throws(CarrierError) -> HubAgent {
        guard let sender = HubAgent(configuration.sender) else {
            throw CarrierError(
                .misconfigured, .waitForPerson,
                "'\(configuration.sender.prefix(100))' cannot be the name of an agent",
                remedy: "name one of letters, digits, '-', '_' and '.'")
        }
        return sender
    }

    private func client(of place: HubRoute, as agent: HubAgent) throws(CarrierError) -> IPollClient {
        IPollClient(
            server: place.address, agent: agent, connections: connections,
            identification: try configuration.requests.identification())
    }

    private func open(_ place: HubRoute) throws(CarrierError) -> PollMailbox {
        guard let state = configuration.state else {
            throw CarrierError(
                .misconfigured, .giveUp, "nothing can be received without a directory to remember it in")
        }
        var selection = PollMailbox.Selection(configuration.kinds)
        selection.lease = configuration.lease
        selection.wait = configuration.wait
        selection.interval = configuration.interval
        return PollMailbox(
            try client(of: place, as: place.agent), selection,
            seen: SeenPolls(in: state, server: place.address.base, mailbox: place.agent.name))
    }
}

/// The mailboxes that were read so far, by route. What is held in one is known to all who read it here.
private final class OpenMailboxes: Sendable {
    private let open = Mutex<[Route: PollMailbox]>([:])

    func mailbox(
        of route: Route, _ make: () throws(CarrierError) -> PollMailbox
    ) throws(CarrierError) -> PollMailbox {
        try open.withLock { open throws(CarrierError) in
            if let mailbox = open[route] { return mailbox }
            let mailbox = try make()
            open[route] = mailbox
            return mailbox
        }
    }
}
