public import Fabric

/// The in-memory carrier under test, alone or within layers.
public struct InMemorySubject: ConformanceSubject {
    public let title: String
    public let powers: Set<ConformancePower>
    public let excuses: [String: String]

    private let world = InMemoryWorld()
    private let wrap: @Sendable (any Carrier) -> any Carrier

    /// Everything that a subject can have.
    public static let allPowers: Set<ConformancePower> = ConformancePower.allBreakages.union([
        .resuming, .probing, .receiving, .leases, .falseOffers, .limit, .receipts,
    ])

    /// The carrier alone, or what `wrap` makes of it.
    public init(
        title: String = "in-memory", without missing: Set<ConformancePower> = [], excuses: [String: String] = [:],
        wrap: @escaping @Sendable (any Carrier) -> any Carrier = { $0 }
    ) {
        self.title = title
        powers = Self.allPowers.subtracting(missing)
        self.excuses = excuses
        self.wrap = wrap
    }

    public func makeCarrier() async throws -> any Carrier {
        wrap(InMemoryCarrier(world: world))
    }

    public func makeLimitedCarrier() async throws -> any Carrier {
        wrap(InMemoryCarrier(world: world, largest: 1 << 20))
    }

    public func makeFarSide() async throws -> any FarSide { world.makeFarSide() }
}
