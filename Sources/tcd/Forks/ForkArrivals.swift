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
    /// Where a receipt to a mailbox of the same hub would go; given the name that an envelope's sender claims.
    let returnTarget: @Sendable (FilePath) -> DeliveryTarget?

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
        return OfferedFork(
            form: .envelope(path, requestedName: name.text), returnTarget: returnTarget(path), lease: arrival.lease
        ) { settlement in try await arrival.settle(settlement) }
    }
}
