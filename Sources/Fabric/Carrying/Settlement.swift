/// What became of an arrival.
public enum Settlement: Sendable, Equatable {
    /// It is durable here. The far side offers it never again, and may delete it.
    case commit
    /// It is being worked on. The far side holds it for this long from now on.
    case extend(Duration)
    /// Not now. The far side offers it again, to anybody, after this long.
    case release(after: Duration)
    /// Never. The far side offers it never again, and keeps it for a person to look at, with the reason, where it can.
    case refuse(String)

    /// Whether this ends the matter: everything does but `extend`.
    public var isFinal: Bool {
        if case .extend = self { false } else { true }
    }

    /// Whether the two say the same, whatever their durations and reasons.
    public func isAlike(_ other: Settlement) -> Bool {
        switch (self, other) {
        case (.commit, .commit), (.extend, .extend), (.release, .release), (.refuse, .refuse): true
        default: false
        }
    }
}

/// Why an arrival could not be settled.
public enum SettlementError: ExplainedError, Equatable {
    /// It was settled before, otherwise.
    case settledOtherwise(Settlement)
    /// The lease ran out, so the far side may have offered it to others, and nothing was changed. What was made durable
    /// here stays; when it is offered again it is a duplicate.
    case leaseLost
    /// The far side could not be told. It may know or not; settling the same way again is harmless.
    case notTold(CarrierError)

    public static func == (left: SettlementError, right: SettlementError) -> Bool {
        switch (left, right) {
        case (.settledOtherwise(let one), .settledOtherwise(let other)): one == other
        case (.leaseLost, .leaseLost): true
        case (.notTold(let one), .notTold(let other)): one.description == other.description
        default: false
        }
    }

    public var category: FailureCategory {
        switch self {
        case .settledOtherwise: .software
        case .leaseLost: .tryLater
        case .notTold(let error): error.category
        }
    }

    public var explanation: String {
        switch self {
        case .settledOtherwise(let first): "the arrival was settled before, with \(first)"
        case .leaseLost: "the arrival was held for too long, and is offered to others again"
        case .notTold(let error): "the far side could not be told what became of the arrival: \(error.explanation)"
        }
    }

    public var remedy: String? {
        switch self {
        case .settledOtherwise: nil
        case .leaseLost: "extend the lease while working on it"
        case .notTold(let error): error.remedy
        }
    }
}

/// What has been said about one arrival: the rule of obligation 21 as a value, for carriers to keep.
public struct SettlementRecord: Sendable, Equatable {
    /// The final settlement; nil while there is none.
    public private(set) var final: Settlement?

    /// Nothing has been said yet.
    public init() {}

    /// Whether the far side has to be told `settlement`; false when it was told the like before.
    ///
    /// - Throws: `settledOtherwise` when it was told something else.
    public func needs(_ settlement: Settlement) throws(SettlementError) -> Bool {
        guard let final else { return true }
        guard final.isAlike(settlement) else { throw .settledOtherwise(final) }
        return false
    }

    /// Notes that the far side was told.
    public mutating func told(_ settlement: Settlement) {
        if settlement.isFinal, final == nil { final = settlement }
    }
}
