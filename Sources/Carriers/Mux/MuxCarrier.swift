public import Fabric
internal import HubClient

/// Hands envelopes to an agent through a mux server that both reach, and fetches what waits there (`mux.md`).
///
/// A route's address is the server's URL and, after `#`, the agent: `http://hub:8000#bob`. The server is our hub, which
/// keeps what it has, or a peer's, which has it in memory; which of them it is it says itself. A receipt says `accepted`
/// in either case: the receiver does not have the envelope yet.
public struct MuxCarrier: ResumableCarrier, ProbingCarrier, ReceivingCarrier {
    public static let schemes = ["mux"]

    public let traits: CarrierTraits

    private let configuration: MuxCarrierConfiguration
    private let connections: HubConnections
    private let gate: DeliveryGate

    /// A carrier that keeps its connections for as long as it, or a copy of it, lives.
    public init(configuration: MuxCarrierConfiguration = MuxCarrierConfiguration()) {
        self.configuration = configuration
        connections = HubConnections(configuration: configuration.hubClient)
        traits = CarrierTraits(
            strongestReceipt: .accepted, largestEnvelope: configuration.largestEnvelope, inFlight: 16,
            publishesAtomically: true)
        gate = DeliveryGate(limit: traits.inFlight)
    }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        try await gate.pass(to: route) { () throws(CarrierError) in
            let (client, target) = try sender(to: route)
            guard envelope.size > 0 else {
                throw CarrierError(
                    .refused, .giveUp, "\(client.purpose): an envelope without bytes fits in no frame",
                    remedy: "seal it again")
            }
            if let limit = traits.largestEnvelope, envelope.size > limit {
                throw CarrierError(
                    .tooLarge(limit: limit), .tryNextRoute,
                    "\(client.purpose): the envelope has \(envelope.size) bytes, and at most \(limit) are sent this way"
                )
            }
            let progress = DeliveryProgress(progress, size: envelope.size)
            let features = try await client.features(of: .mux)
            let conversation = MuxConversation(client: client, target: target, configuration: configuration)
            if features.isHub {
                return try await HubDelivery(
                    envelope: envelope, route: route, conversation: conversation, features: features
                ).run(reporting: progress)
            }
            return try await PeerDelivery(envelope: envelope, route: route, conversation: conversation)
                .run(reporting: progress)
        }
    }

    public func bytesHeld(of envelope: SealedEnvelope, along route: Route) async throws(CarrierError) -> Int64 {
        let (client, target) = try sender(to: route)
        let features = try await client.features(of: .mux)
        guard features.isHub, !EnvelopePayload.fits(envelope, features) else { return 0 }
        return try await BlobUpload(envelope, for: target, by: client).announce().received
    }

    public func probe(_ route: Route) async throws(CarrierError) {
        try await sender(to: route).client.askFeatures(of: .mux)
    }

    public func nextArrival(along route: Route) async throws(CarrierError) -> any Arrival {
        let mailbox = try HubRoute(route, scheme: "mux")
        let client = connections.client(
            at: mailbox.address, as: mailbox.agent, purpose: "cannot receive from '\(route.address)'")
        guard !Task.isCancelled else { throw MuxConversation.cancelled(client) }
        if try await client.features(of: .mux).isHub {
            return try await HubMailboxReader(client: client, agent: mailbox.agent, configuration: configuration).next()
        }
        return try await PeerMailboxReader(client: client, agent: mailbox.agent, configuration: configuration).next()
    }

    private func sender(to route: Route) throws(CarrierError) -> (client: HubClient, target: HubAgent) {
        let target = try HubRoute(route, scheme: "mux")
        guard let agent = HubAgent(configuration.agent) else {
            throw CarrierError(
                .misconfigured, .waitForPerson, "'\(configuration.agent)' is no name of an agent",
                remedy: "use letters, digits, '-', '_' and single dots")
        }
        let client = connections.client(
            at: target.address, as: agent, purpose: "cannot deliver to '\(route.address)'")
        return (client, target.agent)
    }
}
