/// A key that somebody decided to hold on to, or that was seen first: from then on another key for the same subject is
/// a reason to stop.
public struct Pin: Sendable, Equatable {
    /// What a key is for.
    public enum Kind: String, Sendable, CaseIterable, CustomStringConvertible {
        /// Signs envelopes; the subject is the sender's name.
        case signer
        /// Proves which host answers; the subject is `host:port` and the type of the key.
        case host
        /// Stands in a name service's record; the subject is the name that was looked up.
        case ains

        public var description: String { rawValue }
    }

    /// A key that was pinned before.
    public struct Previous: Sendable, Equatable {
        /// The key, spelled as in `Pin.key`.
        public let key: String
        /// When it was pinned.
        public let since: Timestamp
        /// When another took its place.
        public let until: Timestamp
        /// Why it had been pinned.
        public let reason: String

        /// A previous key from its parts.
        public init(key: String, since: Timestamp, until: Timestamp, reason: String) {
            self.key = key
            self.since = since
            self.until = until
            self.reason = reason
        }
    }

    /// What the key is for.
    public let kind: Kind
    /// Whose key it is, in the kind's own terms.
    public let subject: String
    /// The key: 64 lower-case hexadecimal digits for signers and name services, `type base64` for hosts.
    public let key: String
    /// When it was pinned, to the second.
    public let since: Timestamp
    /// Why, in words for people.
    public let reason: String
    /// Where the key came from: a file, an address, the command line.
    public let source: String
    /// The keys before this one, the latest first.
    public let previous: [Previous]
    /// The places that the name service's routes led to when they were pinned (`Route.place`), sorted; nil where none
    /// were pinned. For the kind `ains` only.
    public let hosts: [String]?

    /// How many hosts a pin can have.
    public static let mostHosts = 64

    /// A pin from its parts.
    ///
    /// - Throws: `unusable` when kind, subject, key or hosts cannot be a pin's.
    public init(
        kind: Kind, subject: String, key: String, since: Timestamp = .now(), reason: String, source: String,
        previous: [Previous] = [], hosts: [String]? = nil
    ) throws(TrustError) {
        guard Self.isText(subject, 1...512) else { throw .unusable("a subject has 1 to 512 bytes on one line") }
        guard let key = Self.canonical(key, of: kind) else { throw .unusable(Self.form(of: kind)) }
        if let hosts {
            guard kind == .ains, hosts.count <= Self.mostHosts, hosts.allSatisfy({ Self.isText($0, 1...4096) }) else {
                throw .unusable("only a name service's key has hosts: at most \(Self.mostHosts), each on one line")
            }
        }
        self.kind = kind
        self.subject = subject
        self.key = key
        self.since = Timestamp(seconds: since.seconds)
        self.reason = DisplayText.line(reason, atMost: 500)
        self.source = DisplayText.line(source, atMost: 500)
        self.previous = previous
        self.hosts = hosts.map { Set($0).sorted() }
    }

    /// The SHA-256 of the key's bytes, as a person compares it by telephone.
    public var fingerprint: String { Self.fingerprint(of: key, kind) }

    /// The SHA-256 of a key that is spelled as in `Pin.key`; for a host's key that of the blob, as OpenSSH prints it.
    public static func fingerprint(of key: String, _ kind: Kind) -> String {
        switch kind {
        case .signer, .ains: PublicKey(anySpelling: key).map { "SHA256:" + $0.fingerprint.hex } ?? key
        case .host: HostKeyText(key)?.fingerprint ?? key
        }
    }

    /// `key` in the one spelling that is stored and compared; nil unless it is a key of that kind.
    public static func canonical(_ key: String, of kind: Kind) -> String? {
        switch kind {
        case .signer, .ains: PublicKey(anySpelling: key)?.hex
        case .host: HostKeyText(key)?.text
        }
    }

    private static func form(of kind: Kind) -> String {
        switch kind {
        case .signer, .ains: "the key is none of Ed25519 in hexadecimal or base64"
        case .host: "the key is not written as 'type base64', as in a line of known_hosts"
        }
    }

    private static func isText(_ text: String, _ sizes: ClosedRange<Int>) -> Bool {
        sizes.contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }
}
