/// One envelope that a far side offers, held for the taker until it is settled or its lease ends.
///
/// What it says of itself is a claim. The lane recomputes the digest before anything is settled (`Lane.take`).
/// Obligations 16, 17 and 19 to 22 of `ReceivingCarrier` are about it.
public protocol Arrival: Sendable {
    /// The name under which the sender asked to publish it.
    var requestedName: ArrivalName { get }
    /// The SHA-256 of the sealed bytes, as the far side claims.
    var claimedDigest: Digest { get }
    /// The number of sealed bytes, as the far side claims.
    var size: Int64 { get }
    /// For how long the far side holds it, counted from when it was offered or last extended, before it offers it to
    /// others; nil for as long as the taker lives.
    var lease: Duration? { get }
    /// Who sent it, where the far side is a hub that says so; nil for every other carrier.
    var sender: ArrivalSender? { get }

    /// Writes the bytes from `offset` to the end into `sink`, in order.
    ///
    /// On return the sink was given exactly the bytes from `offset` to `size`. On throw it was given some of the
    /// leading ones. Can be called again, from any offset, until the arrival is settled.
    func copy(into sink: any EnvelopeSink, from offset: Int64) async throws(CopyError)

    /// Tells the far side what became of it.
    ///
    /// On return the far side knows durably. The same settlement twice is harmless; `extend` may come any number of
    /// times before the final one.
    func settle(_ settlement: Settlement) async throws(SettlementError)
}

extension Arrival {
    public var sender: ArrivalSender? { nil }
}

/// Where the bytes of an arrival go. Called on a thread that may block, with one piece after the other.
public protocol EnvelopeSink: Sendable {
    /// Takes `bytes`; they are valid only during the call.
    func write(_ bytes: UnsafeRawBufferPointer) throws(LaneError)
}

extension Deposit: EnvelopeSink {}

/// Why the bytes of an arrival did not come over, by whose fault.
public enum CopyError: ExplainedError {
    /// The far side did not give them.
    case source(CarrierError)
    /// The sink did not take them.
    case sink(LaneError)

    private var error: any ExplainedError {
        switch self {
        case .source(let error): error
        case .sink(let error): error
        }
    }

    public var category: FailureCategory { error.category }
    public var explanation: String { error.explanation }
    public var remedy: String? { error.remedy }
}
