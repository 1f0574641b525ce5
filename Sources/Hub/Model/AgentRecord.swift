package import Fabric

/// An entry of the AINS registry (`ains.md`, section 3).
package struct AgentRecord: Sendable, Equatable {
    /// The name, normalised, without `.aint`.
    package var name: String
    /// Its key; nil only for names that were registered without one at an open hub.
    package var publicKey: PublicKey?
    /// The keys that it had before, oldest first.
    package var previousKeys: [PublicKey]
    package var owner: String?
    package var endpoint: String?
    package var iPoll: String?
    package var capabilities: [String]
    /// Routes in the spelling of the resolver.
    package var routes: [String]
    package var description: String?
    package var tier: Tier
    package var trustScore: Double
    package var isSuspended: Bool
    package var suspensionReason: String?
    package var registeredAt: Timestamp
    package var updatedAt: Timestamp

    package init(
        name: String, publicKey: PublicKey?, previousKeys: [PublicKey] = [], owner: String? = nil,
        endpoint: String? = nil, iPoll: String? = nil, capabilities: [String] = [], routes: [String] = [],
        description: String? = nil, tier: Tier = .registered, trustScore: Double = 0.5, isSuspended: Bool = false,
        suspensionReason: String? = nil, registeredAt: Timestamp = .now(), updatedAt: Timestamp = .now()
    ) {
        self.name = name
        self.publicKey = publicKey
        self.previousKeys = previousKeys
        self.owner = owner
        self.endpoint = endpoint
        self.iPoll = iPoll
        self.capabilities = capabilities
        self.routes = routes
        self.description = description
        self.tier = tier
        self.trustScore = trustScore
        self.isSuspended = isSuspended
        self.suspensionReason = suspensionReason
        self.registeredAt = registeredAt
        self.updatedAt = updatedAt
    }
}

/// What became of a registration.
package enum Registration: Sendable, Equatable {
    /// The name was free.
    case created
    /// The name was this key's already, and its record is replaced. Tier, trust, suspension, earlier keys and the time of
    /// the registration stay.
    case replaced
}
