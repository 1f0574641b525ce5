/// How much a hub allows an agent (`ipoll.md`, section 6).
public enum Tier: String, Sendable, CaseIterable {
    case sandbox
    case registered
    case verified
    case core
}

/// What a hub found out about the sender of a frame or message at the moment it was sent.
public struct SenderProof: Sendable, Hashable {
    /// The key whose signature proved the sender; nil when the sender was not proven.
    public let key: PublicKey?
    /// The tier that the sender had; `sandbox` when it was not proven.
    public let tier: Tier

    /// Whether the sender proved its name by the key that the hub has registered for it.
    public var isProven: Bool { key != nil }

    /// A sender that was not proven: the name is the sender's own claim.
    public static let unproven = SenderProof(key: nil, tier: .sandbox)

    private init(key: PublicKey?, tier: Tier) {
        self.key = key
        self.tier = tier
    }

    /// A sender that proved its name by `key`.
    public init(provenBy key: PublicKey, tier: Tier) { self.init(key: key, tier: tier) }

    /// Reads `proven`, `tier` and `sender_key` of a frame, message, lease or event. Where one of them is missing or is
    /// not valid, the sender is unproven.
    package init(_ json: JSONObject) {
        guard json["proven"]?.bool == true, let tier = json["tier"]?.text.flatMap(Tier.init(rawValue:)),
            let key = json["sender_key"]?.text.flatMap({ PublicKey(hex: $0) })
        else {
            self = .unproven
            return
        }
        self.init(key: key, tier: tier)
    }

    /// The members `proven`, `tier` and `sender_key` (64 hexadecimal digits or null).
    package var json: JSONObject {
        ["proven": .bool(isProven), "tier": .text(tier.rawValue), "sender_key": .text(orNull: key?.hex)]
    }
}

/// Who sent an arrival, as the hub that it waited at says.
public struct ArrivalSender: Sendable, Hashable {
    /// The agent's name.
    public let name: String
    /// What the hub found out about it.
    public let proof: SenderProof

    /// A sender from its parts.
    public init(name: String, proof: SenderProof) {
        self.name = name
        self.proof = proof
    }
}
