/// One thing that must hold for every carrier.
public struct ConformanceCase: Sendable {
    /// What excuses and reports call it.
    public let name: String
    /// The numbers of the obligations that it checks: those of `Carrier` (1 to 12), `ResumableCarrier` (13),
    /// `ProbingCarrier` (14), `ReceivingCarrier` (15 to 23), `CarrierLayer` (24, 25).
    public let obligations: [Int]
    /// What must hold, as a sentence.
    public let sentence: String
    /// What it cannot be run without.
    public let needs: Set<ConformancePower>
    /// Whether it moves more than 4 GiB.
    public let isLarge: Bool

    let body: @Sendable (Trial) async throws -> Void

    init(
        _ name: String, _ obligations: [Int], _ sentence: String, needs: Set<ConformancePower> = [.receipts],
        isLarge: Bool = false, body: @escaping @Sendable (Trial) async throws -> Void
    ) {
        self.name = name
        self.obligations = obligations
        self.sentence = sentence
        self.needs = needs
        self.isLarge = isLarge
        self.body = body
    }
}

/// How one case ended.
public struct ConformanceResult: Sendable {
    /// What the end was.
    public enum Outcome: Sendable, Equatable {
        /// It held.
        case passed
        /// It did not; what was seen, one sentence each.
        case failed([String])
        /// It was not run, and why.
        case excused(String)
    }

    /// The case.
    public let conformanceCase: ConformanceCase
    /// How it ended.
    public let outcome: Outcome

    /// Whether it passed or was rightly excused.
    public var isGood: Bool {
        if case .failed = outcome { false } else { true }
    }
}
