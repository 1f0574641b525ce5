public import CarrierConformance
import Fabric
public import Testing

/// Every layer around the in-memory carrier.
enum LayeredSubjects {
    static let all = [
        InMemorySubject(title: "bandwidth") { inner in
            BandwidthLayer(around: inner, limit: Bandwidth(parsing: "1GB/s")!)
        },
        InMemorySubject(title: "concurrency") { ConcurrencyLayer(around: $0, limit: 2) },
        InMemorySubject(title: "progress") { ProgressLayer(around: $0) { _ in } },
        InMemorySubject(title: "no faults", without: hidden, excuses: hiddenExcuses) { inner in
            FaultLayer(around: inner, plan: FaultPlan(script: []))
        },
        InMemorySubject(title: "delays", without: hidden, excuses: hiddenExcuses) { inner in
            FaultLayer(around: inner, plan: FaultPlan(script: Array(repeating: .delay(.milliseconds(1)), count: 99)))
        },
        InMemorySubject(title: "dry run", without: hidden.union([.receipts]), excuses: dryExcuses) { inner in
            DryRunLayer(around: inner)
        },
    ]

    private static let hidden: Set<ConformancePower> = [.resuming, .receiving, .leases, .falseOffers]
    private static let hiddenExcuses = excusing([
        ("the layer hides resuming: it would go round the faults", CaseNames.needing(.resuming)),
        ("the layer hides receiving: it would go round the faults", CaseNames.receiving),
    ])
    private static let dryExcuses = excusing([
        ("a dry run takes nothing from anybody", CaseNames.receiving),
        ("a dry run sends nothing, so there is nothing to go on with", CaseNames.needing(.resuming)),
        ("a dry run sends nothing, so there is no receipt", CaseNames.needing(.receipts)),
    ])
}

extension InMemorySubject: CustomTestStringConvertible {
    public var testDescription: String { title }
}
