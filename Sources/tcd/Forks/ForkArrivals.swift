internal import Fabric
internal import SystemPackage
internal import Triage

/// Forks that a hub holds as envelopes. Each stays leased until it was gone on with and answered, so that another listener
/// gets it if this one dies.
struct ForkArrivals: Sendable {
    let carrier: any ReceivingCarrier
    let route: Route
    /// Where envelopes are put before they are looked at.
    let lane: Lane
    /// The hub whose mailboxes are answered; nil for none.
    let hub: String?

    /// Waits for the next one. Other envelopes stay with the hub, for others.
    func next() async throws -> OfferedFork {
        while true {
            let arrival = try await carrier.nextArrival(along: route)
            guard ForkSurface.isNamed(arrival.requestedName.text) else {
                try? await arrival.settle(.release(after: .seconds(60)))
                continue
            }
            do {
                return try await bring(arrival)
            } catch {
                try? await arrival.settle(.release(after: .seconds(30)))
                throw error
            }
        }
    }

    private func bring(_ arrival: any Arrival) async throws -> OfferedFork {
        let (name, size, digest, lane) = (arrival.requestedName, arrival.size, arrival.claimedDigest, lane)
        let publication: Publication
        if let held = try await Blocking.run({ try lane.holds(name, digest: digest, size: size) }) {
            publication = Publication(
                outcome: .duplicate, requestedName: name, storedName: held, digest: digest, size: size)
        } else {
            let deposit = try await Blocking.run { try lane.begin(name, expecting: size) }
            try await arrival.copy(into: deposit, from: 0)
            publication = try await Blocking.run { try deposit.commit(expecting: digest) }
        }
        let path = lane.directory.appending(publication.storedName.text)
        let mailbox = hub.flatMap { hub in arrival.sender.map { OfferedFork.Mailbox(hub: hub, agent: $0.name) } }
        return OfferedFork(
            form: .envelope(path, requestedName: name.text), mailbox: mailbox, lease: arrival.lease
        ) { settlement in try await arrival.settle(settlement) }
    }
}
