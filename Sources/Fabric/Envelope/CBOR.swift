/// One value of the canonical CBOR subset that manifests are written in (`envelope.md`, section 4).
///
/// The codec is our own and small because it is the first thing that an attacker's bytes meet: it accepts canonical
/// form only, and what it allocates is bounded by the bytes that it was given.
public enum CBOR: Sendable {
    /// 0 and up.
    case unsigned(UInt64)
    /// −1 − n, as it is encoded.
    case negative(UInt64)
    /// UTF-8 text, not normalised.
    case text(String)
    case array([CBOR])
    case map(CBORMap)
    case bool(Bool)
    case null

    /// The text, or nil when this is something else.
    public var text: String? { if case .text(let text) = self { text } else { nil } }

    /// The number, or nil when this is something else.
    public var unsigned: UInt64? { if case .unsigned(let number) = self { number } else { nil } }

    /// Whether this is null.
    public var isNull: Bool { if case .null = self { true } else { false } }
}

/// A CBOR map with text keys, always in canonical order: shorter keys first, then bytewise, as UTF-8.
public struct CBORMap: Sendable {
    /// The pairs in canonical order.
    public private(set) var pairs: [(key: String, value: CBOR)] = []

    /// An empty map.
    public init() {}

    /// A map of pairs that are known to be in canonical order and without duplicates.
    init(canonical pairs: [(key: String, value: CBOR)]) {
        self.pairs = pairs
    }

    /// The value of `key`, compared as UTF-8 bytes. Setting nil removes the pair.
    public subscript(key: String) -> CBOR? {
        get {
            let (index, found) = position(of: key)
            return found ? pairs[index].value : nil
        }
        set {
            let (index, found) = position(of: key)
            switch (found, newValue) {
            case (true, let value?): pairs[index].value = value
            case (true, nil): pairs.remove(at: index)
            case (false, let value?): pairs.insert((key, value), at: index)
            case (false, nil): break
            }
        }
    }

    private func position(of key: String) -> (index: Int, found: Bool) {
        var low = 0
        var high = pairs.count
        while low < high {
            let middle = (low + high) / 2
            switch Self.order(pairs[middle].key, key) {
            case 0: return (middle, true)
            case ..<0: low = middle + 1
            default: high = middle
            }
        }
        return (low, false)
    }

    /// Negative, zero or positive as `left` stands before, at or after `right` in canonical order.
    ///
    /// `String` itself compares by canonical equivalence, for which two spellings of é are the same key.
    static func order(_ left: String, _ right: String) -> Int {
        let a = left.utf8
        let b = right.utf8
        guard a.count == b.count else { return a.count - b.count }
        for (x, y) in zip(a, b) where x != y { return Int(x) - Int(y) }
        return 0
    }
}
