/// Something that goes wrong with one delivery.
public enum Fault: Sendable, Hashable {
    /// Nothing does.
    case none
    /// No connection comes about.
    case drop
    /// The delivery begins only after so long.
    case delay(Duration)
    /// The way breaks when the carrier reads the byte at this offset.
    case cut(at: Int64)
    /// The envelope ends early, after so many bytes, as a file that somebody cut off.
    case truncate(at: Int64)
    /// One bit of the byte at this offset is turned.
    case flip(at: Int64)
    /// It is delivered, and the receipt is lost on the way back.
    case loseReceipt
    /// It is delivered twice, one after the other, and the second receipt is returned.
    case duplicate
}

/// Which fault each delivery meets, decided by a seed alone, so that a run can be repeated.
public struct FaultPlan: Sendable {
    private enum Source: Sendable {
        case script([Fault])
        case seeded(UInt64, rate: Double)
    }

    private let source: Source

    /// The faults in order, the first delivery meeting the first; then none.
    public init(script: [Fault]) { source = .script(script) }

    /// Faults of every kind for the share `rate` (0 to 1) of all deliveries.
    public init(seed: UInt64, rate: Double) { source = .seeded(seed, rate: rate) }

    /// The fault that delivery `number`, counted from 0, of an envelope of `size` bytes meets.
    public func fault(for number: Int, size: Int64) -> Fault {
        switch source {
        case .script(let faults): return number < faults.count ? faults[number] : .none
        case .seeded(let seed, let rate):
            var generator = SplitMix(state: seed &+ UInt64(number) &* 0xd1b5_4a32_d192_ed03)
            guard Double.random(in: 0..<1, using: &generator) < rate else { return .none }
            let offset = Int64.random(in: 0..<max(1, size), using: &generator)
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: return .drop
            case 1: return .delay(.milliseconds(Int64.random(in: 0..<50, using: &generator)))
            case 2: return .cut(at: offset)
            case 3: return .truncate(at: offset)
            case 4: return .flip(at: offset)
            case 5: return .loseReceipt
            default: return .duplicate
            }
        }
    }
}

/// The generator of Steele, Lea and Flood (2014), which gives good numbers from any seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
