internal import ArgumentParser
internal import Fabric

extension CompletionKind {
    /// The ids of the deliveries in the outbox for which something is still to happen.
    static let deliveries = CompletionKind.custom { _, _, _ in
        guard let outbox = try? Outbox.current(), let entries = try? outbox.list(limit: 100) else { return [] }
        return entries.map(\.id.text)
    }

    /// The states that deliveries have.
    static let deliveryStates = CompletionKind.list(DeliveryState.allCases.map(\.rawValue))

    /// The transports that are built in.
    static let transports = CompletionKind.list(["http", "scp", "mux", "ipoll", "local"])
}
