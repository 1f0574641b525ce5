/// One way of moving sealed bytes from here to a place that a route names.
///
/// A carrier never opens, changes or re-seals an envelope, and never learns which name was resolved to its route. It
/// tries once: whether to try again, later or elsewhere, is decided above it from the error that it throws.
///
/// Obligations of `deliver`, numbered so that a conformance case can name the one it checks:
///
/// 1. On return the far side holds every byte, at the strength that the receipt states and no stronger.
/// 2. On throw the far side has published nothing under the envelope's name that is not the whole envelope. It may
///    hold a partial under a staging name, and it may hold the whole envelope if only the answer was lost.
/// 3. Delivering the same envelope twice, in turn or at once, is harmless: one object results and both calls return.
/// 4. An object of other bytes under the same name survives, whatever this delivery does.
/// 5. When the calling task is cancelled the call ends promptly with `.cancelled`.
/// 6. A far side that stops answering, or trickles, ends the call with `.stalled` in the configured time.
/// 7. The source is read through `EnvelopeSource` only, in constant memory. A source that is shorter or longer than
///    `size` ends the call with `.corrupted`, and nothing is published.
/// 8. Progress never goes back, never exceeds `size`, and reaches `size` only once the receipt is certain.
/// 9. Only `CarrierError` is thrown.
/// 10. No more than `traits.inFlight` deliveries read their sources at once. Others wait in the order in which they were
///     called, none for ever, and cancelling ends the wait.
/// 11. Nothing in a route or a name is interpreted: not by a shell, not as another path. A route whose scheme is not
///     the carrier's, or that cannot be one of its addresses, ends the call with `.misconfigured`, and nothing is sent.
/// 12. An envelope without bytes is stored like any other, or refused with `.refused` where the way knows no such thing.
///
/// Receiving carriers have further ones (`ReceivingCarrier`), and so have layers (`CarrierLayer`).
public protocol Carrier: Sendable {
    /// The schemes of the routes that carriers of this type can take, for example `["http", "https"]`; empty where only
    /// each carrier knows its own.
    static var schemes: [String] { get }

    /// The schemes of the routes that this carrier can take; those of the type, unless it says otherwise.
    var schemes: [String] { get }

    /// What this carrier promises, as data, so that routes can be chosen without trying them.
    var traits: CarrierTraits { get }

    /// Makes one attempt to deliver `envelope` along `route`.
    ///
    /// - Parameters:
    ///   - envelope: The sealed bytes; read from the start at each attempt.
    ///   - route: Where to. Its scheme is one of `schemes`.
    ///   - progress: Told the number of bytes that the far side has taken, now and then, from any thread.
    /// - Returns: What the far side holds now, and how certain that is.
    func deliver(_ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink)
        async throws(CarrierError) -> DeliveryReceipt
}

extension Carrier {
    public var schemes: [String] { Self.schemes }
}

/// A carrier that can go on from the byte where an interrupted delivery stopped.
///
/// 13. `bytesHeld` counts no byte that was not checked, and after an interruption `deliver` sends none of those that it
///     counts again: the receipt says from where it went on.
public protocol ResumableCarrier: Carrier {
    /// The number of leading bytes of `envelope` that the far side holds durably and that were checked by digest
    /// against the source; 0 when it holds none, or cannot say.
    func bytesHeld(of envelope: SealedEnvelope, along route: Route) async throws(CarrierError) -> Int64
}

/// A carrier that can say cheaply whether a route would work now. A yes filters; it promises nothing.
///
/// 14. A probe leaves nothing at the far side, and throws where a delivery could not even begin.
public protocol ProbingCarrier: Carrier {
    /// Returns when the far side answered as one that would take an envelope; throws the reason otherwise.
    func probe(_ route: Route) async throws(CarrierError)
}

/// What a carrier promises, as data. A layer around a carrier may only narrow it.
public struct CarrierTraits: Sendable, Equatable {
    /// The strongest receipt that the far side can give.
    public var strongestReceipt: ReceiptStrength
    /// The largest envelope that can be carried, in bytes; nil for no limit of the carrier's own.
    public var largestEnvelope: Int64?
    /// How many deliveries may be under way at once.
    public var inFlight: Int
    /// Whether the far side never shows a partial object under the published name.
    public var publishesAtomically: Bool

    /// Traits from their values.
    public init(strongestReceipt: ReceiptStrength, largestEnvelope: Int64?, inFlight: Int, publishesAtomically: Bool) {
        self.strongestReceipt = strongestReceipt
        self.largestEnvelope = largestEnvelope
        self.inFlight = inFlight
        self.publishesAtomically = publishesAtomically
    }
}
