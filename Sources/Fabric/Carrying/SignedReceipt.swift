/// What a receiver signs when an envelope is in its lane on stable storage (`docs/carriers.md`).
///
/// The signature is Ed25519 over these five lines, each ended by one line feed:
///
///     TIBET-RECEIPT-V1
///     <key, 64 hexadecimal digits>
///     <time, YYYY-MM-DDTHH:MM:SSZ>
///     <SHA-256 of the envelope's bytes, 64 hexadecimal digits>
///     <stored name>
public struct SignedReceipt: Sendable, Hashable {
    /// The key that is said to have signed.
    public let signer: PublicKey
    /// When it was signed, by the receiver's clock, in whole seconds.
    public let date: Timestamp
    /// The SHA-256 of what was stored.
    public let digest: Digest
    /// The name under which it was stored.
    public let storedName: ArrivalName
    /// The signature over the lines.
    public let signature: Signature

    /// The first line, which no other signature of this family begins with.
    private static let version = "TIBET-RECEIPT-V1"

    /// Signs that the envelope with `digest` is stored as `name`.
    public init(of digest: Digest, storedAs name: ArrivalName, by key: SigningKey, at date: Timestamp = .now()) {
        signer = key.publicKey
        self.date = Timestamp(seconds: date.seconds)
        self.digest = digest
        storedName = name
        signature = key.sign(Self.lines(signer, self.date, digest, name))
    }

    /// Reads the text form; nil for anything malformed. The signature is not checked.
    public init?(parsing text: String) {
        let prefix = Self.version + " "
        guard text.utf8.count <= 1024, text.utf8.starts(with: prefix.utf8) else { return nil }
        let parts = text.dropFirst(prefix.count).split(separator: "|", omittingEmptySubsequences: false).map(
            String.init)
        guard parts.count == 5, let signer = PublicKey(hex: parts[0]), let date = Timestamp(iso8601: parts[1]),
            date.iso8601 == parts[1], let digest = Digest(hex: parts[2]), let name = ArrivalName(parts[3]),
            let signature = Signature(hex: parts[4])
        else { return nil }
        self.signer = signer
        self.date = date
        self.digest = digest
        storedName = name
        self.signature = signature
    }

    /// `TIBET-RECEIPT-V1 <key>|<time>|<digest>|<stored name>|<signature>`, as it stands in the header field.
    public var text: String {
        Self.version + " "
            + [signer.hex, date.iso8601, digest.hex, storedName.text, signature.hex].joined(separator: "|")
    }

    /// Whether the signature is that of `signer`.
    public var isGenuine: Bool {
        signer.verifies(signature, over: Self.lines(signer, date, digest, storedName))
    }

    private static func lines(
        _ signer: PublicKey, _ date: Timestamp, _ digest: Digest, _ name: ArrivalName
    ) -> [UInt8] {
        Array([version, signer.hex, date.iso8601, digest.hex, name.text].map { $0 + "\n" }.joined().utf8)
    }
}

/// What the signature on a receipt proves.
public enum ReceiptProof: Sendable, Equatable {
    /// The receiver's key, as it is pinned or known here, signed that it stored these bytes.
    case proven(by: PublicKey)
    /// The receiver did not sign.
    case unsigned
    /// A key signed, and nothing here says which key is the receiver's.
    case unknownSigner(PublicKey)
    /// Another key than the receiver's signed.
    case otherSigner(found: PublicKey, expected: PublicKey)
    /// The signature is wrong, or for other bytes or another name than the receipt.
    case invalid

    /// Whether the receiver proved that it stored the bytes.
    public var isProven: Bool {
        if case .proven = self { true } else { false }
    }

    /// One word for programs: `proven`, `unsigned`, `unknown-signer`, `other-signer` or `invalid`.
    public var word: String {
        switch self {
        case .proven: "proven"
        case .unsigned: "unsigned"
        case .unknownSigner: "unknown-signer"
        case .otherSigner: "other-signer"
        case .invalid: "invalid"
        }
    }

    /// What the operator should know; nil where nothing is wrong.
    public var notice: String? {
        switch self {
        case .proven, .unsigned, .unknownSigner: nil
        case .otherSigner(let found, let expected):
            "the receipt was signed by \(found), and the receiver's key is \(expected): the delivery may be with another "
                + "receiver; ask the receiver whether it has the envelope"
        case .invalid:
            "the signature on the receipt is wrong, so it proves nothing; ask the receiver whether it has the envelope"
        }
    }
}

extension DeliveryReceipt {
    /// What this receipt proves of an envelope.
    ///
    /// - Parameters:
    ///   - digest: The digest of the envelope that was sent.
    ///   - key: The receiver's key, from a pin or from the plan; nil where it is not known.
    public func proof(of digest: Digest, receiver key: PublicKey?) -> ReceiptProof {
        guard let signed else { return .unsigned }
        guard signed.isGenuine, signed.digest == digest, signed.storedName.text == storedName else { return .invalid }
        guard let key else { return .unknownSigner(signed.signer) }
        return signed.signer == key ? .proven(by: key) : .otherSigner(found: signed.signer, expected: key)
    }
}
