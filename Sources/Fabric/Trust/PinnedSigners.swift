/// The keys that are pinned for those who sign, by the names that they claim. A value: load it again to see later pins.
public struct PinnedSigners: Sendable, Equatable {
    private let pins: [String: Pin]

    /// The signers among `pins`; pins of other kinds are left out.
    public init(_ pins: [Pin] = []) {
        self.pins = Dictionary(
            pins.filter { $0.kind == .signer }.map { ($0.subject, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The signers that are pinned in `store`. Blocks.
    ///
    /// - Throws: `TrustError` when the pins cannot be read. They are then not known, which is not the same as none being
    ///   there: a caller stops.
    public init(in store: TrustStore) throws(TrustError) { self.init(try store.pins()) }

    /// The pin of a name; nil where there is none.
    public subscript(name: String) -> Pin? { pins[name] }

    /// What is known of a key that signed as `name`.
    public func standing(of key: PublicKey, claiming name: String) -> SignerStanding {
        SignerStanding(name: name, key: key, pin: match(key, with: pins[name]))
    }

    private func match(_ key: PublicKey, with pin: Pin?) -> SignerStanding.Match {
        guard let pin else { return .unknown }
        if pin.key == key.hex { return .matches(pin) }
        guard let former = pin.previous.first(where: { Pin.canonical($0.key, of: .signer) == key.hex }) else {
            return .differs(pinned: pin)
        }
        return .former(pinned: pin, former)
    }
}

/// A key that signed, and what is pinned for the name that its owner claims.
public struct SignerStanding: Sendable, Equatable {
    /// How the key compares with the pin of the name.
    public enum Match: Sendable, Equatable {
        /// It is the pinned one.
        case matches(Pin)
        /// It was pinned for the name before the present key.
        case former(pinned: Pin, Pin.Previous)
        /// No key is pinned for the name.
        case unknown
        /// Another key is pinned for the name.
        case differs(pinned: Pin)
    }

    /// The name that the sender claims.
    public let name: String
    /// The key that signed.
    public let key: PublicKey
    /// How it compares with the pin of the name.
    public let pin: Match

    /// A signer, and how its key compares.
    public init(name: String, key: PublicKey, pin: Match) {
        self.name = name
        self.key = key
        self.pin = pin
    }

    /// The word for records: `matches`, `former`, `unknown` or `differs`.
    public var word: String {
        switch pin {
        case .matches: "matches"
        case .former: "former"
        case .unknown: "unknown"
        case .differs: "differs"
        }
    }

    /// The pin of the name; nil where there is none.
    public var pinned: Pin? {
        switch pin {
        case .matches(let pin), .former(let pin, _), .differs(let pin): pin
        case .unknown: nil
        }
    }

    /// `SHA256:` and the digest of the key, as two people compare it.
    public var fingerprint: String { Pin.fingerprint(of: key.hex, .signer) }

    /// The command that pins this key for this name; nil where it is pinned already, where another one is pinned, and
    /// where the name cannot be shown as it is, so that what is pasted is what is seen.
    public var pinCommand: String? {
        guard case .unknown = pin, let name = Self.shellWord(name) else { return nil }
        return "tcd trust add signer \(name) \(key.hex)"
    }

    /// `text` as one word for a shell; nil for text with characters that a terminal does not show as they are.
    private static func shellWord(_ text: String) -> String? {
        let isVisible = text.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
            case .spaceSeparator: scalar == " "
            default: true
            }
        }
        guard isVisible, (1...512).contains(text.utf8.count), !text.hasPrefix("-") else { return nil }
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || "@%+=:,./-_".utf8.contains(byte)
        }
        return isPlain
            ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
