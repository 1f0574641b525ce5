internal import Fabric
internal import HubClient

/// Waits for what our hub holds for an agent, and leases it.
struct HubMailboxReader: Sendable {
    let client: HubClient
    let agent: HubAgent
    let configuration: MuxCarrierConfiguration

    /// The next frame that can be an envelope. What cannot is refused, so that it does not come again in front of the
    /// others; the hub keeps it, with the reason, for a person.
    func next() async throws(CarrierError) -> HubArrival {
        var query = HubLeaseQuery(agent: agent)
        query.lease = configuration.leaseTime
        query.wait = min(configuration.waitTime, .seconds(60))
        query.filters = ["intent": .text(configuration.intent)]
        query.largestAnswer = configuration.largestFrame
        while true {
            guard let lease = try await client.lease(from: .mux, query).first else { continue }
            let sender = lease.item["agent"]?.text
            switch MuxFrame.read(lease.item["payload"], trustsSize: true) {
            case .envelope(let frame):
                let arrival = HubArrival(
                    lease, from: .mux, of: agent, by: client, name: frame.name, digest: frame.digest, size: frame.size,
                    content: frame.content, sender: sender)
                guard Task.isCancelled else { return arrival }
                // Somebody else need not wait until the lease is over.
                await Task { try? await arrival.settle(.release(after: .zero)) }.value
                throw MuxConversation.cancelled(client)
            case .foreign:
                try await refuse(lease, sender, "it is no envelope")
            case .unusable(let reason):
                try await refuse(lease, sender, reason)
            }
        }
    }

    private func refuse(_ lease: HubLease, _ sender: String?, _ reason: String) async throws(CarrierError) {
        do throws(SettlementError) {
            try await client.settle(lease.id, in: .mux, of: agent, .refuse(reason))
        } catch {
            // Whoever has it now will find the same.
            if case .notTold(let error) = error { throw error }
        }
        configuration.report(
            .frameRejected(
                channel: lease.item["channel_id"]?.text ?? "", seq: lease.item["seq"]?.integer ?? 0, sender: sender,
                reason: reason))
    }
}
