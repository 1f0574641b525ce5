internal import Fabric
internal import NIOCore

/// Measures how fast a body comes, in the time that this side was ready to read.
///
/// Bytes that any trickle brings do not count as coming: what counts is the sum over `idleTime`. Time in which the disk
/// held this side up is nobody's fault and not measured.
struct BodyPace {
    private let window: TimeAmount
    private let ordinaryMinimum: Int
    private var minimum: Int
    private var waited = TimeAmount.zero
    private var received = 0
    private var waitingSince: NIODeadline?

    init(_ limits: ServingLimits) {
        window = TimeAmount(limits.idleTime)
        ordinaryMinimum = Self.minimum(limits.minimumRate, over: window)
        minimum = ordinaryMinimum
    }

    private static func minimum(_ rate: Int, over window: TimeAmount) -> Int {
        max(1, Int(clamping: Double(window.nanoseconds) / 1e9 * Double(rate)))
    }

    /// The body that is coming must come at `rate` bytes per second at least.
    mutating func require(_ rate: Int) { minimum = max(minimum, Self.minimum(rate, over: window)) }

    /// A body begins.
    mutating func start() {
        minimum = ordinaryMinimum
        waited = .zero
        received = 0
        if waitingSince != nil { waitingSince = .now() }
    }

    /// This side asked the network for bytes.
    mutating func asked() {
        if waitingSince == nil { waitingSince = .now() }
    }

    /// The network brought all that it had.
    mutating func served() {
        if let since = waitingSince { waited = waited + (.now() - since) }
        waitingSince = nil
    }

    /// Bytes of the body came.
    mutating func received(_ count: Int) { received += count }

    /// When it is worth looking again.
    var untilNextLook: TimeAmount { max(.milliseconds(1), window - currentlyWaited) }

    /// Whether a whole window was waited through and brought too little. Begins another window when it was enough.
    mutating func isTooSlow() -> Bool {
        guard currentlyWaited >= window else { return false }
        if received < minimum { return true }
        waited = .zero
        received = 0
        if waitingSince != nil { waitingSince = .now() }
        return false
    }

    private var currentlyWaited: TimeAmount {
        waitingSince.map { waited + (.now() - $0) } ?? waited
    }
}
