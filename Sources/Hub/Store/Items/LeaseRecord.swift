internal import Fabric

/// What the store knows of the last lease of an item: the rules of settlements as a value.
struct LeaseRecord: Equatable {
    let state: ItemState
    /// When the lease, or the rest after a release, is over.
    let due: Int64
    /// What was said about this lease; nil while nothing was.
    let settled: Word?

    /// The final settlements, without their durations and reasons, and the numbers that stand for them in the store.
    enum Word: Int64, Equatable {
        case commit = 1
        case release = 2
        case refuse = 3

        init?(_ settlement: Settlement) {
            switch settlement {
            case .commit: self = .commit
            case .release: self = .release
            case .refuse: self = .refuse
            case .extend: return nil
            }
        }
    }

    /// What a settlement leads to.
    enum Verdict: Equatable {
        /// It is to be written.
        case apply
        /// It was said before, and nothing changes.
        case same
        /// Something else was said before.
        case otherwise(Word)
        /// The lease is over.
        case lost
    }

    func verdict(on settlement: Settlement, at now: Int64) -> Verdict {
        if let settled { return settled == Word(settlement) ? .same : .otherwise(settled) }
        return state == .held && due > now ? .apply : .lost
    }
}

/// The name of a lease: what only its holder knows, and which item it is about.
struct LeaseName: Equatable {
    /// 32 hexadecimal digits, the same for all items of one answer.
    let token: String
    let number: Int64

    static func freshToken() -> String { RandomName.hexadecimal(32) }

    var text: String { "ls-\(token)-\(number)" }

    init(token: String, number: Int64) {
        self.token = token
        self.number = number
    }

    /// Nil for what was never given out.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "ls", parts[1].utf8.count == 32,
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let number = Int64(parts[2]), number >= 0
        else { return nil }
        token = String(parts[1])
        self.number = number
    }
}
