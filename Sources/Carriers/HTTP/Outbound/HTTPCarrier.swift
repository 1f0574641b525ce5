public import Fabric
internal import HTTPClient

/// Delivers envelopes to HTTP inboxes: the peers' and our own (`http-inbox.md`).
///
/// A route's address is `http://host:port` or `https://host:port`, with a path before `/inbox` where a proxy needs one.
/// Large envelopes are gone on with after an interruption when our own listener answers; a peer gets each of them in
/// one piece. A receipt says `stored` when the far side told the right digest, and `accepted` when it only said yes.
public struct HTTPCarrier: ResumableCarrier, ProbingCarrier {
    public static let schemes = ["http", "https"]

    public let traits = CarrierTraits(
        strongestReceipt: .stored, largestEnvelope: nil, inFlight: 16, publishesAtomically: true)

    private let gate = DeliveryGate(limit: 16)
    private let configuration: HTTPCarrierConfiguration
    private let client: CurlClient

    /// A carrier that keeps its connections for as long as it, or a copy of it, lives.
    public init(configuration: HTTPCarrierConfiguration = HTTPCarrierConfiguration()) {
        self.configuration = configuration
        client = CurlClient(configuration: configuration.client)
    }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        try await gate.pass(to: route) { () throws(CarrierError) in
            let attempt = try attempt(envelope, route)
            return try await attempt.deliver(reporting: DeliveryProgress(progress, size: envelope.size))
        }
    }

    public func bytesHeld(of envelope: SealedEnvelope, along route: Route) async throws(CarrierError) -> Int64 {
        try await attempt(envelope, route).bytesHeld()
    }

    public func probe(_ route: Route) async throws(CarrierError) {
        let requests = try RouteRequests(route, configuration, client)
        let answer = try await requests.perform(.get, requests.address.health)
        guard answer.status == 200 else { throw AnswerVerdict.error(answer, for: route) }
    }

    private func attempt(_ envelope: SealedEnvelope, _ route: Route) throws(CarrierError) -> DeliveryAttempt {
        guard envelope.size > 0 else {
            throw CarrierError(
                .refused, .giveUp, "an envelope without bytes cannot be delivered over HTTP", remedy: "seal it again")
        }
        let requests = try RouteRequests(route, configuration, client)
        do {
            return DeliveryAttempt(
                envelope: envelope, source: try envelope.open(), requests: requests, configuration: configuration)
        } catch {
            throw CarrierError(local: error, "cannot read the envelope")
        }
    }
}
