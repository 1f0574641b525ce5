package import Fabric
internal import HTTPClient

/// What a server says it can do beside what every peer's server can.
package struct HubFeatures: Sendable, Equatable {
    /// The words in `features`; empty for a peer's server.
    package var names: Set<String> = []
    /// The largest frame or message that is taken in one piece, in bytes of JSON; nil where it does not say.
    package var largestMessage: Int64?

    /// Whether it is our hub, which leases, settles and holds blobs. Anything else is spoken to as a peer's server.
    package var isHub: Bool { names.isSuperset(of: ["lease", "blobs"]) }

    /// Features from their values.
    package init(names: Set<String> = [], largestMessage: Int64? = nil) {
        self.names = names
        self.largestMessage = largestMessage
    }

    init(_ status: JSONValue) {
        names = Set((status["features"]?.list ?? []).compactMap(\.text))
        largestMessage = status["largest_message"]?.integer.flatMap { $0 > 0 ? min($0, 1 << 40) : nil }
    }
}

/// The two interfaces behind which mail waits.
package enum HubMailbox: String, Sendable, Hashable {
    /// Channels of frames (`mux.md`).
    case mux
    /// Messages (`ipoll.md`).
    case ipoll

    /// The path of the interface below the hub's root.
    package var path: String { "/api/" + rawValue }

    /// The key of the items in an answer that leases.
    var items: String {
        switch self {
        case .mux: "frames"
        case .ipoll: "polls"
        }
    }
}

extension HubClient {
    /// What the server can do, as it said less than a minute ago, or says now.
    ///
    /// - Throws: Why there is no answer; `corrupted` or the error of the status when what answers is no such server.
    package func features(of mailbox: HubMailbox) async throws(CarrierError) -> HubFeatures {
        if let known = connections.features(.init(address: address, mailbox: mailbox)) { return known }
        return try await askFeatures(of: mailbox)
    }

    /// What the server says now that it can do: a request that changes nothing and that every server answers.
    @discardableResult
    package func askFeatures(of mailbox: HubMailbox) async throws(CarrierError) -> HubFeatures {
        let status = try object(try await ask(.get, mailbox.path + "/status"))
        guard status["status"]?.text != nil else { throw unexpected("is no hub's (no status in it)") }
        let features = HubFeatures(status)
        connections.remember(features, for: .init(address: address, mailbox: mailbox))
        return features
    }
}
