public import Fabric

/// A carrier under test, and what the suite needs around it. Whoever writes a carrier supplies one.
public protocol ConformanceSubject: Sendable {
    /// What reports call it.
    var title: String { get }
    /// What the far sides can be made to do, and what the carrier can. Every case that needs more is to be excused.
    var powers: Set<ConformancePower> { get }
    /// Why cases cannot run, by the name of the case. A reason is a sentence that a reader can disagree with. An excuse
    /// for a case that could run, or for none, is a failure.
    var excuses: [String: String] { get }
    /// Why receipts that say `stored` may come without a digest that the far side computed, as a sentence like those of
    /// excuses; nil where they may not.
    var reasonForNoDigest: String? { get }

    /// A carrier as users make it, but with waits of a second or two in place of half a minute.
    func makeCarrier() async throws -> any Carrier

    /// A carrier whose `traits.largestEnvelope` is at most 64 MiB. Called only when the subject has `limit`.
    func makeLimitedCarrier() async throws -> any Carrier

    /// A far side that works and holds nothing, apart from all others.
    func makeFarSide() async throws -> any FarSide
}

extension ConformanceSubject {
    public var excuses: [String: String] { [:] }
    public var reasonForNoDigest: String? { nil }
    public func makeLimitedCarrier() async throws -> any Carrier { throw MissingPower("no limit on the size") }
}

/// Something that a case needs and that not every subject has.
public enum ConformancePower: Hashable, Sendable, CustomStringConvertible {
    /// The far side can be made to do this.
    case breakage(Breakage)
    /// The carrier resumes (`Carrier.resuming`).
    case resuming
    /// The carrier probes (`Carrier.probing`).
    case probing
    /// The carrier receives (`Carrier.receiving`), and the far side can be given something to offer.
    case receiving
    /// The far side can make time go by for leases (`FarSide.passTime`).
    case leases
    /// The far side can offer what is not as it claims (`Offer.claiming`), or under a name that cannot be.
    case falseOffers
    /// There can be a limit on the size (`makeLimitedCarrier`).
    case limit
    /// Deliveries get as far as a receipt: everything but a dry run.
    case receipts

    public var description: String {
        switch self {
        case .breakage(let breakage): "a far side that \(breakage.sentence)"
        case .resuming: "a carrier that resumes"
        case .probing: "a carrier that probes"
        case .receiving: "a carrier that receives"
        case .leases: "a far side whose time can be made to pass"
        case .falseOffers: "a far side that can offer what is not as it claims"
        case .limit: "a limit on the size"
        case .receipts: "deliveries that end in a receipt"
        }
    }

    /// Every breakage.
    public static var allBreakages: Set<ConformancePower> { Set(Breakage.allCases.map { .breakage($0) }) }
}

/// What can be done to a far side.
public enum Breakage: String, Hashable, Sendable, CaseIterable {
    /// It has no room for a mebibyte.
    case full
    /// It takes nothing, whoever asks.
    case readOnly
    /// It is not there.
    case absent
    /// It goes away after some of the bytes: after at least one, and before 5 MiB.
    case diesMidway
    /// It goes away after the last byte, before it answers.
    case diesBeforeAnswering
    /// It takes bytes, far too slowly.
    case trickles
    /// It takes bytes slowly, and fast enough: an envelope of 2 MiB in at most some seconds.
    case slow
    /// It takes every byte, and never says anything again.
    case neverAnswers
    /// It answers with bytes that mean nothing.
    case answersGarbage
    /// Each of its answers comes late, and in time.
    case answersLate
    /// It takes connections, and closes them at once.
    case closesAtOnce
    /// It speaks another protocol.
    case speaksAnother
    /// It takes every byte and says yes to everything, and has none of them in the end.
    case forgets
    /// It says that it has another number of bytes than it has.
    case miscounts
    /// Its key is another than the one on record.
    case changedKey
    /// Its key is not on record.
    case unknownKey
    /// The key on record is of another type than the one that it shows.
    case otherKeyType

    var sentence: String {
        switch self {
        case .full: "can be full"
        case .readOnly: "can be read only"
        case .absent: "can be absent"
        case .diesMidway: "can die midway"
        case .diesBeforeAnswering: "can die before it answers"
        case .trickles: "can trickle"
        case .slow: "can be slow"
        case .neverAnswers: "can fall silent"
        case .answersGarbage: "can answer garbage"
        case .answersLate: "can answer late"
        case .closesAtOnce: "can close at once"
        case .speaksAnother: "can speak another protocol"
        case .forgets: "can forget"
        case .miscounts: "can miscount"
        case .changedKey: "can change its key"
        case .unknownKey: "can have an unknown key"
        case .otherKeyType: "can have a key of another type"
        }
    }
}

/// Where a carrier under test delivers to, as seen by somebody who stands there.
public protocol FarSide: Sendable {
    /// The way to it.
    var route: Route { get }

    /// The names of everything that is published, in no order: what a consumer there would take for finished.
    func publishedNames() async throws -> [String]

    /// What is published under `name`; nil when nothing is.
    func object(named name: String) async throws -> PublishedObject?

    /// The names of what writers have not finished, partials that wait to be resumed left out.
    func leftovers() async throws -> [String]

    /// From now on it behaves like this. Called with breakages from the subject's powers only, one at a time.
    func suffer(_ breakage: Breakage) async throws

    /// From now on it works again. What it held before it holds.
    func mend() async throws

    /// Offers an envelope to whoever receives along the route. Called only when the subject has `receiving`.
    func offer(_ offer: Offer) async throws

    /// Lets so much time go by, as far as leases and releases are concerned. Called only with `leases`.
    func passTime(_ duration: Duration) async throws

    /// It is needed no more.
    func close() async
}

extension FarSide {
    public func suffer(_ breakage: Breakage) async throws {
        throw MissingPower("no far side that \(breakage.sentence)")
    }
    public func mend() async throws {}
    public func offer(_ offer: Offer) async throws { throw MissingPower("nothing to receive from") }
    public func passTime(_ duration: Duration) async throws { throw MissingPower("no leases") }
    public func close() async {}
}

/// A subject was asked for something that it has not, or says that it has what it has not.
public struct MissingPower: Error, CustomStringConvertible {
    public let description: String

    /// What is missing.
    public init(_ description: String) { self.description = description }
}

/// What a far side has under a name.
public struct PublishedObject: Sendable, Hashable {
    /// The SHA-256 of its bytes, computed from them now.
    public let digest: Digest
    /// Their number.
    public let size: Int64

    /// An object from its parts.
    public init(digest: Digest, size: Int64) {
        self.digest = digest
        self.size = size
    }
}

/// Something for a far side to offer.
public struct Offer: Sendable {
    /// The name; any text with `falseOffers`.
    public let name: String
    /// The bytes.
    public let bytes: [UInt8]
    /// What it claims its SHA-256 is.
    public let claimedDigest: Digest
    /// What it claims its size is.
    public let claimedSize: Int64

    /// An offer that tells the truth unless it is told otherwise.
    public init(name: String, bytes: [UInt8], claiming digest: Digest? = nil, size: Int64? = nil) {
        self.name = name
        self.bytes = bytes
        claimedDigest = digest ?? Digest(of: bytes)
        claimedSize = size ?? Int64(bytes.count)
    }
}
